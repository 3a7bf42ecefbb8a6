import Kernels
import ArgumentParsing
import Configuration
import Reporting

/// One pod and the batch that it works on.
struct PodOptions: ParsableArguments {
  @Option(help: ArgumentHelp("A built-in pod, or a topology file.", valueName: "name"))
  var topology = "pod16"

  @Option(
    name: .customLong("seq"), help: ArgumentHelp("Tokens of one sequence.", valueName: "tokens"))
  var sequenceLength: Int?

  @Option(
    name: .customLong("gbs"),
    help: ArgumentHelp("Sequences of one optimizer step.", valueName: "sequences"))
  var globalBatchSize: Int?
}

/// What is modelled: a preset or file, and what flags change in it.
struct WorkloadOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Configuration: a preset of config/finetuning.yml, or FILE.yml[:PRESET].",
      valueName: "name"))
  var config: String?

  @Option(
    help: ArgumentHelp(
      "Another model than GPT-J, by name or file: only timed, never run (default: gptj).",
      valueName: "name"))
  var model: String?

  @Option(help: ArgumentHelp("Sequences of one micro-batch.", valueName: "n"))
  var microBatch: Int?

  @Option(
    name: .customLong("tp"),
    help: ArgumentHelp("Tensor parallelism (default: the widest that is legal).", valueName: "n"))
  var tensorParallel: Int?

  @Option(
    name: .customLong("dp"),
    help: ArgumentHelp("Data parallelism (default: the IPUs that TP leaves).", valueName: "n"))
  var dataParallel: Int?

  @Option(
    name: .customLong("pp"),
    help: ArgumentHelp("Pipeline stages, each with its own layers (default: 1).", valueName: "n"))
  var pipelineParallel: Int?

  @Option(
    parsing: .commaSeparated,
    help: ArgumentHelp(
      "Changes of the step that keep its result; all or pairs ranks them (estimate).",
      valueName: "names"))
  var whatIf: [WhatIfArgument] = []

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Overrides one setting.", valueName: "key=value"))
  var settings: [String] = []
}

/// The job around the step.
struct JobOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Optimizer steps of the whole job (default: 400, or those of --config).", valueName: "n"))
  var steps: Int?

  @Flag(help: "Takes the pod's executables from its cache instead of compiling them.")
  var executableCached = false
}

extension WorkloadOptions {
  /// The settings that flags override, each naming its flag as the place of an error.
  func overrides(
    sequenceLength: Int?, globalBatchSize: Int?, steps: Int?
  ) throws -> [ConfigurationOverride] {
    var overrides: [ConfigurationOverride] = []
    func add(_ path: String, _ value: Int?, _ flag: String) {
      guard let value else { return }
      overrides.append(ConfigurationOverride(path: path, value: String(value), origin: flag))
    }
    for setting in settings {
      overrides.append(try ConfigurationOverride(assignment: setting, flag: "--set"))
    }
    add("model.sequence_length", sequenceLength, "--seq")
    add("training.global_batch_size", globalBatchSize, "--gbs")
    add("execution.micro_batch_size", microBatch, "--micro-batch")
    add("execution.tensor_parallel", tensorParallel, "--tp")
    add("execution.data_parallel", dataParallel, "--dp")
    add("execution.pipeline_parallel", pipelineParallel, "--pp")
    add("training.steps", steps, "--steps")
    return overrides
  }
}

/// How a command answers.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Prints one JSON document instead of text.")
  var json = false

  @Flag(help: "Shows no progress on standard error.")
  var noProgress = false

  @Flag(help: "Prints without colour.")
  var noColor = false
}

/// How the emulator is laid on this host.
struct EmulatorOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Worker threads (default: one for each allowed core).", valueName: "n"))
  var workers: Int?

  @Option(
    help: ArgumentHelp("compact, scatter, or a list of processing units.", valueName: "policy"))
  var placement = "compact"

  @Option(
    help: ArgumentHelp(
      "Multiplies matrices: onednn, or openblas (float32 only).", valueName: "library"))
  var gemm = GEMMBackend.oneDNN

  @Flag(
    help:
      "Every emulated IPU computes, copies and keeps for itself what it has in common with others."
  )
  var faithful = false
}

extension GEMMBackend: ExpressibleByArgument {}
