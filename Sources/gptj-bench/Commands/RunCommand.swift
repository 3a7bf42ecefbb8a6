import ArgumentParsing
import Configuration
import CostModel
import Emulator
import FineTuning
import GPTJ
import PlanSearch
import Reporting
import Topology
import Trace

/// Models the step on the pod, then really fine-tunes on emulated shards for a while.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Models a step on the pod, then really fine-tunes a small GPT-J on the same plan.",
    examples: [
      "gptj-bench --topology pod16 --seq 1024 --gbs 128",
      "gptj-bench run --topology pod64 --seconds 5 --json",
    ])

  @OptionGroup var pod: PodOptions
  @OptionGroup var workload: WorkloadOptions
  @OptionGroup var job: JobOptions

  @Option(help: ArgumentHelp("How long to train for real.", valueName: "s"))
  var seconds = 20.0

  @Option(help: ArgumentHelp("Most steps to train for real.", valueName: "n"))
  var realSteps: Int?

  @OptionGroup var emulator: EmulatorOptions

  @Option(
    help: ArgumentHelp(
      "Also says what this machine was predicted to take, from a file of 'topology measure'.",
      valueName: "file"))
  var host: String?

  @Option(
    help: ArgumentHelp(
      "Writes both steps' phases as a timeline for Perfetto.", valueName: "file"))
  var trace: String?

  @Flag(help: "Exits with 1 when the plan does not fit the pod.")
  var requireFit = false

  @Flag(help: "Prints the resolved configuration as YAML and does nothing else.")
  var printConfig = false

  @OptionGroup var output: OutputOptions

  func validate() throws {
    try workload.refuseRanking()
    guard seconds >= 0, seconds <= 86_400 else {
      throw ValidationError("--seconds is \(seconds), expected from 0 to 86400")
    }
    if let realSteps, realSteps < 2 {
      throw ValidationError("--real-steps is \(realSteps), expected at least 2")
    }
  }

  mutating func run() throws {
    let resolved = try Workload(
      topology: pod.topology, sequenceLength: pod.sequenceLength,
      globalBatchSize: pod.globalBatchSize, steps: job.steps, workload)
    if printConfig {
      StandardStream.output.writeOrExit(resolved.configuration.printYAML())
      return
    }
    guard host == nil || resolved.step.plan.pipelineParallel == 1 else {
      throw ValidationError("--host predicts steps without stages, expected --pp 1 or no --host")
    }
    let host = try host.map { file throws(TopologyError) in
      let host = try MeasuredHost.file(file)
      // The small model's own type.
      try host.require("float32", of: file)
      return host
    }
    let estimate = try resolved.estimate(executableCached: job.executableCached)
    var run = try train(like: resolved)
    run.predict(on: host)
    var document = ReportDocument(estimate, on: resolved.topology)
    document.measured = ReportDocument.Measured(run, on: resolved.topology)
    document.host = ReportDocument.Host(run.setup)
    let terminal = Terminal.detect(.output, noColor: output.noColor)
    StandardStream.output.writeOrExit(
      output.json
        ? try JSONDocument(document, schemaVersion: ReportDocument.schemaVersion).text()
        : RunText(estimate: estimate, topology: resolved.topology, run: run, terminal: terminal)
          .text())
    if let trace { try write(trace, estimate, run) }
    if requireFit && !estimate.job.memory.fits { throw ExitCode.failure }
  }

  private func write(_ file: String, _ estimate: PlanEstimate, _ run: RealRun) throws {
    var timeline = PerfettoTrace()
    timeline.add(estimate.job.step)
    timeline.add(run.medianUpdate.measured)
    try writeFile(timeline.text(), to: file)
  }

  private func train(like resolved: Workload) throws -> RealRun {
    var progress = ProgressLine(
      "train", total: realSteps, terminal: Terminal.detect(.error, noColor: output.noColor),
      isOff: output.noProgress)
    defer { progress.finish() }
    return try RealRun(
      like: resolved.step.plan, workload.whatIfs, seconds: seconds, steps: realSteps, emulator
    ) {
      update, trainer, peak in
      progress.update(step: update.step) { update.fields(trainer.step, peak: peak) }
    }
  }
}

extension Trainer.Update {
  /// What a progress line shows of a step.
  func fields(_ step: TrainingStep, peak: Double) -> [ProgressLine.Field] {
    [
      ("loss", Format.fixed(loss, 4)), ("grad_norm", Format.fixed(gradientNorm, 3)),
      ("lr", Format.scientific(learningRate)),
      ("tokens/s", Format.grouped(Int(tokensPerSecond))),
      ("peak", Format.percent(shareOfPeak(step, peak: peak))),
    ]
  }
}
