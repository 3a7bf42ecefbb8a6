import ArgumentParsing
import Benchmarking
import Checkpoints
import Configuration
import Datasets
import Emulator
import FineTuning
import GPTJ
import Glibc
import Regression
import Reporting
import Topology
import Transformers

/// Parses the process' arguments, runs the command, and ends with the documented exit code.
func runCommandLine() -> Never {
  StandardStream.ignoreBrokenPipes()
  do {
    var command = try GPTJBench.parseAsRoot(Array(CommandLine.arguments.dropFirst()))
    try command.run()
    exit(ExitCode.success.rawValue)
  } catch let error as CommandLineError {
    (error.isForStandardOutput ? StandardStream.output : .error).writeOrExit(error.text)
    exit(error.exitCode.rawValue)
  } catch let code as ExitCode {
    exit(code.rawValue)
  } catch {
    StandardStream.error.writeOrExit("Error: \(error)\n")
    exit(exitCode(of: error).rawValue)
  }
}

/// The documented code of what can go wrong; see "Exit codes" in the README.
func exitCode(of error: any Error) -> ExitCode {
  switch error {
  case is ValidationError, is PlanError, is WhatIf.Refusal, is TransformerError, is TaskError:
    .validationFailure
  case let error as ConfigurationError: ExitCode(error.exitStatus)
  case let error as TopologyError: ExitCode(error.exitStatus)
  case let error as RegressionError: ExitCode(error.exitStatus)
  case BenchmarkProcessError.cannotStart: .noInput
  case BenchmarkProcessError.doesNotServe, BenchmarkProcessError.otherSchema,
    BenchmarkProcessError.malformedReply:
    .dataError
  case is EmulatorError, is NotEnoughDisk, CheckpointError.diskFull: .unavailable
  case DatasetsError.unwritable: .cannotCreate
  case DatasetsError.embeddedTask: .validationFailure
  case DatasetsError.unreadable, CheckpointError.missing: .noInput
  case is DatasetsError, is CheckpointError, is GenerationError, is ScoringError: .dataError
  default: .failure
  }
}
