import ArgumentParsing
import Checkpoints
import Configuration
import Datasets
import Emulator
import FineTuning
import GPTJ
import Reporting

/// Trains a GPT-J on entailment pairs, sharded, and lets it answer held-out ones.
struct FinetuneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "finetune",
    abstract: "Trains on entailment pairs, sharded, and answers held-out pairs.",
    discussion: "Without files the weights start random; data and vocabulary are built in.",
    examples: [
      "gptj-bench finetune --steps 100 --answers 50 --export trained",
      "gptj-bench finetune --pretrained trained --steps 10 --answers 50",
      "gptj-bench finetune --pretrained gpt-j-6b --train mnli_train.jsonl --validation mnli_dev.jsonl",
    ])

  @Option(
    help: ArgumentHelp(
      "Configuration: a preset of config/finetuning.yml, or FILE.yml[:PRESET].",
      valueName: "name"))
  var config = RealRun.preset

  @OptionGroup var files: FinetuneFiles

  @OptionGroup var adapters: AdapterOptions

  @Option(help: ArgumentHelp("Optimizer steps (default: the configuration's).", valueName: "n"))
  var steps: Int?

  @Option(
    name: .customLong("tp"), help: ArgumentHelp("Tensor parallelism.", valueName: "n"))
  var tensorParallel: Int?

  @Option(name: .customLong("dp"), help: ArgumentHelp("Data parallelism.", valueName: "n"))
  var dataParallel: Int?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Overrides one setting; may be repeated.", valueName: "key=value"))
  var settings: [String] = []

  @Option(help: ArgumentHelp("Held-out pairs of each split to answer; 0 for none.", valueName: "n"))
  var answers = 500

  @Option(
    help: ArgumentHelp("Answers held-out pairs every so many steps; 0 for never.", valueName: "n"))
  var evaluateEvery = 0

  @OptionGroup var emulator: EmulatorOptions

  @Flag(help: "Prints the resolved configuration as YAML and does nothing else.")
  var printConfig = false

  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard (0...1_000_000).contains(answers) else {
      throw ValidationError("--answers is \(answers), expected from 0 to 1000000")
    }
    guard evaluateEvery >= 0 else {
      throw ValidationError("--evaluate-every is \(evaluateEvery), expected at least 0")
    }
  }

  mutating func run() throws {
    let pretrained = try files.pretrained.map { try HuggingFaceDirectory(path: $0) }
    let adapter = try adapters.open()
    let configuration = try resolve(pretrained, adapter)
    if printConfig {
      StandardStream.output.writeOrExit(configuration.printYAML())
      return
    }
    if let export = files.export { try HuggingFaceDirectory.checkFree(export) }
    try adapters.check(configuration)
    let task = try files.task(seed: configuration.model.seed)
    try task.check(configuration)
    let batches = try task.batches(configuration)
    logData(task, batches)
    let setup = try HostSetup(
      ranks: configuration.ipus, tensorParallel: configuration.execution.tensorParallel, emulator)
    let trainer = try Trainer(configuration, setup.emulatorOptions)
    if let pretrained {
      try trainer.load(pretrained)
    } else {
      trainer.initialize(RandomWeights(configuration.model))
    }
    if let adapter { try trainer.load(adapter) }
    let clock = ContinuousClock()
    let start = clock.now
    let metrics = try files.metrics.map { try MetricsFile(path: $0) }
    Interruption.watch()
    let updates = try train(trainer, task, batches, setup, metrics)
    let seconds = start.duration(to: clock.now) / .seconds(1)
    if let export = files.export { try trainer.export(to: export, tokenizer: task.tokenizer) }
    if let export = adapters.exportAdapter {
      try trainer.exportAdapter(to: export, base: files.pretrained)
    }
    if Interruption.isRequested {
      let kept =
        (files.export ?? adapters.exportAdapter).map { "saved in \($0)" }
        ?? "not saved, since there is no --export"
      log.info("interrupted after step \(updates.count); \(kept)")
      throw ExitCode.interrupted
    }
    let reports = try task.heldOut(count: answers).map { split in
      EvaluationResult(
        split.name,
        try trainer.evaluate(split.examples, tokenizer: task.tokenizer, setup.emulatorOptions))
    }
    let document = FinetuneDocument(trainer, updates, seconds: seconds, reports)
    StandardStream.output.writeOrExit(
      output.json
        ? try JSONDocument(document, schemaVersion: ReportDocument.schemaVersion).text()
        : text(document))
  }

  /// A pretrained model's sizes stand above the preset's; flags and settings that contradict them are
  /// found when it is loaded.
  private func resolve(
    _ pretrained: HuggingFaceDirectory?, _ adapter: PEFTAdapter?
  ) throws -> FineTuningConfiguration {
    var overrides =
      pretrained.map { $0.config.overrides(file: $0.path + "/config.json") } ?? []
    overrides += try adapters.overrides(adapter)
    overrides += try settings.map { try ConfigurationOverride(assignment: $0, flag: "--set") }
    for (path, value, flag) in [
      ("training.steps", steps, "--steps"),
      ("execution.tensor_parallel", tensorParallel, "--tp"),
      ("execution.data_parallel", dataParallel, "--dp"),
    ] {
      guard let value else { continue }
      overrides.append(ConfigurationOverride(path: path, value: String(value), origin: flag))
    }
    return try ConfigurationResolver(
      config, environment: environment(), otherVariables: Workload.otherVariables,
      overrides: overrides
    ).resolve()
  }

  private func train(
    _ trainer: Trainer, _ task: EntailmentTask, _ batches: EntailmentBatches, _ setup: HostSetup,
    _ metrics: MetricsFile?
  ) throws -> [Trainer.Update] {
    let steps = trainer.configuration.training.steps
    var (batches, metrics) = (batches, metrics)
    let peak = trainer.emulator.measurePeak(seconds: 0.2)
    var progress = ProgressLine(
      "finetune", total: steps, terminal: Terminal.detect(.error, noColor: output.noColor),
      isOff: output.noProgress)
    defer { progress.finish() }
    var updates: [Trainer.Update] = []
    while updates.count < steps, !Interruption.isRequested {
      let update = trainer.update(on: batches.next())
      updates.append(update)
      do {
        try metrics?.append(update)
      } catch {
        // The model is worth more than the file.
        progress.clear()
        log.info("\(error); no more metrics are written")
        metrics = nil
      }
      progress.update(step: update.step) {
        update.fields(trainer.step, peak: peak)
      }
      if evaluateEvery > 0, update.step.isMultiple(of: evaluateEvery) {
        progress.clear()
        try logAccuracy(trainer, task, setup)
      }
    }
    return updates
  }

  private func logAccuracy(
    _ trainer: Trainer, _ task: EntailmentTask, _ setup: HostSetup
  ) throws {
    guard let split = task.heldOut(count: answers).first else { return }
    let report = try trainer.evaluate(
      split.examples, tokenizer: task.tokenizer, setup.emulatorOptions)
    log.info(
      "step \(trainer.updates): \(report.correct) of \(report.examples) pairs correct "
        + "[\(Format.percent(report.accuracy))]")
  }

  /// What was read, packed and left out; a file's only.
  private func logData(_ task: EntailmentTask, _ batches: EntailmentBatches) {
    guard let file = task.training, let packed = batches.packed else { return }
    log.info(
      "\(Format.grouped(packed.examples)) examples (\(file.skipped) without a label skipped), "
        + "\(Format.grouped(packed.tokens)) tokens: \(Format.grouped(packed.sequences)) sequences, "
        + "\(Format.grouped(packed.droppedTokens)) tokens dropped")
  }

  private var log: Log {
    Log(level: .info, terminal: Terminal.detect(.error, noColor: output.noColor))
  }

  private func text(_ document: FinetuneDocument) -> String {
    "\(document.steps) steps in \(Format.duration(seconds: document.seconds)), loss "
      + "\(Format.fixed(document.firstLoss, 3)) -> \(Format.fixed(document.lastLoss, 3)), "
      + "\(Format.grouped(Int(document.tokensPerSecond))) tokens/s\n"
      + document.evaluations.map(\.text).joined()
  }
}

/// The answer of `finetune --json`.
private struct FinetuneDocument: Encodable {
  let plan: ReportDocument.Plan
  let model: ReportDocument.Model
  let steps, tokens: Int
  let seconds, tokensPerSecond, firstLoss, lastLoss: Double
  let losses: [Double]
  let evaluations: [EvaluationResult]

  init(
    _ trainer: Trainer, _ updates: [Trainer.Update], seconds: Double,
    _ evaluations: [EvaluationResult]
  ) {
    plan = ReportDocument.Plan(trainer.step.plan)
    model = ReportDocument.Model(trainer.step.model)
    steps = updates.count
    tokens = updates.reduce(0) { $0 + $1.tokens }
    self.seconds = seconds
    tokensPerSecond = seconds > 0 ? Double(tokens) / seconds : 0
    losses = updates.map(\.loss)
    firstLoss = losses.first ?? 0
    lastLoss = losses.last ?? 0
    self.evaluations = evaluations
  }
}
