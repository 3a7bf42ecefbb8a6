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
      "gptj-bench finetune --from-scratch small --tokenizer gpt-j-6b --train mnli_train.jsonl",
      "gptj-bench finetune --pretrained gpt-j-6b --train mnli_train.jsonl --validation mnli_dev.jsonl",
    ])

  @Option(
    help: ArgumentHelp(
      "Configuration: a preset of config/finetuning.yml, or FILE.yml[:PRESET].",
      valueName: "name"))
  var config = RealRun.preset

  @Option(help: ArgumentHelp("The model; only GPT-J runs (default: gptj).", valueName: "name"))
  var model: String?

  @OptionGroup var files: FinetuneFiles

  @Option(
    help: ArgumentHelp(
      "Starts from random weights, for the tokenizer that is used: tiny, small or base (default: "
        + "the configuration's model).", valueName: "size"))
  var fromScratch: ModelSize?

  @OptionGroup var adapters: AdapterOptions

  @Option(help: ArgumentHelp("Optimizer steps (default: the configuration's).", valueName: "n"))
  var steps: Int?

  @Option(
    name: .customLong("tp"), help: ArgumentHelp("Tensor parallelism.", valueName: "n"))
  var tensorParallel: Int?

  @Option(name: .customLong("dp"), help: ArgumentHelp("Data parallelism.", valueName: "n"))
  var dataParallel: Int?

  @Option(name: .customLong("pp"), help: ArgumentHelp("Pipeline stages.", valueName: "n"))
  var pipelineParallel: Int?

  @Option(
    parsing: .commaSeparated,
    help: ArgumentHelp("Changes of the step that keep its result.", valueName: "names"))
  var whatIf: [WhatIf] = []

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

  @OptionGroup var streaming: StreamingOptions

  @Flag(help: "Prints the resolved configuration as YAML and does nothing else.")
  var printConfig = false

  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard (0...1_000_000).contains(answers) else {
      throw ValidationError("--answers is \(answers), expected from 0 to 1000000")
    }
    guard fromScratch == nil || files.pretrained == nil else {
      throw ValidationError("--from-scratch and --pretrained exclude each other")
    }
    guard evaluateEvery >= 0 else {
      throw ValidationError("--evaluate-every is \(evaluateEvery), expected at least 0")
    }
  }

  mutating func run() throws {
    try OnlyGPTJ.require(model)
    let pretrained = try files.pretrained.map { try open($0) }
    let adapter = try adapters.open()
    let configuration = try resolve(pretrained, adapter)
    if printConfig {
      StandardStream.output.writeOrExit(configuration.printYAML())
      return
    }
    if let export = files.export { try HuggingFaceDirectory.checkFree(export) }
    try adapters.check(configuration)
    let run = try FineTuningRun(
      configuration, files, pretrained, adapter,
      setup: HostSetup(
        ranks: configuration.ipus, tensorParallel: configuration.execution.tensorParallel,
        emulator, streaming), log)
    let clock = ContinuousClock()
    let start = clock.now
    Interruption.watch()
    let updates = try train(run)
    let seconds = start.duration(to: clock.now) / .seconds(1)
    if let export = files.export {
      try run.trainer.export(to: export, tokenizer: run.task.tokenizer)
    }
    if let export = adapters.exportAdapter {
      try run.trainer.exportAdapter(to: export, base: files.pretrained)
    }
    if Interruption.isRequested {
      log.info("interrupted after step \(run.trainer.updates); \(whatStays(of: run))")
      throw ExitCode.interrupted
    }
    let document = FinetuneDocument(
      run.trainer, updates, seconds: seconds, try run.answers(count: answers, ranksLabels: true))
    StandardStream.output.writeOrExit(
      output.json
        ? try JSONDocument(document, schemaVersion: ReportDocument.schemaVersion).text()
        : text(document))
  }

  /// - Throws: `CheckpointError`, also where there is an adapter that would be lost.
  private func open(_ path: String) throws -> HuggingFaceDirectory {
    let directory = try HuggingFaceDirectory(path: RunFolder.modelPath(path))
    guard adapters.adapter != nil || !PEFTAdapter.isThere(directory.path) else {
      throw ValidationError(
        "\(directory.path) has an adapter beside its weights: gptj-bench convert merges it, "
          + "--adapter \(directory.path) goes on training it")
    }
    return directory
  }

  private func whatStays(of run: FineTuningRun) -> String {
    let places = [run.folder?.path, files.export, adapters.exportAdapter].compactMap(\.self)
    return places.isEmpty
      ? "not saved, since there is neither --output nor --export"
      : "saved in \(places.joined(separator: " and "))"
  }

  /// A pretrained model's sizes stand above the preset's; flags and settings that contradict them are
  /// found when it is loaded.
  private func resolve(
    _ pretrained: HuggingFaceDirectory?, _ adapter: PEFTAdapter?
  ) throws -> FineTuningConfiguration {
    var overrides =
      pretrained.map { $0.config.overrides(file: $0.path + "/config.json") } ?? []
    if let fromScratch {
      let tokenizer = try files.tokenizer.map { try Tokenizer(directory: $0) } ?? .embedded()
      overrides += fromScratch.overrides(vocabulary: tokenizer.vocabularySize)
    }
    overrides += try adapters.overrides(adapter)
    overrides += try settings.map { try ConfigurationOverride(assignment: $0, flag: "--set") }
    for (path, value, flag) in [
      ("training.steps", steps, "--steps"),
      ("execution.tensor_parallel", tensorParallel, "--tp"),
      ("execution.data_parallel", dataParallel, "--dp"),
      ("execution.pipeline_parallel", pipelineParallel, "--pp"),
    ] {
      guard let value else { continue }
      overrides.append(ConfigurationOverride(path: path, value: String(value), origin: flag))
    }
    overrides += files.overrides
    let configuration: FineTuningConfiguration = try ConfigurationResolver(
      config, environment: environment(), otherVariables: Workload.otherVariables,
      overrides: overrides
    ).resolve()
    return try WhatIf.applied(whatIf, to: configuration)
  }

  private func train(_ run: FineTuningRun) throws -> [Trainer.Update] {
    let trainer = run.trainer
    let peak = trainer.emulator.measurePeak(seconds: 0.2)
    var progress = ProgressLine(
      "finetune", total: trainer.configuration.training.steps, from: trainer.updates, interval: 1,
      terminal: Terminal.detect(.error, noColor: output.noColor), isOff: output.noProgress)
    defer { progress.finish() }
    var updates: [Trainer.Update] = []
    while !run.isDone, !Interruption.isRequested {
      let update = try run.step()
      updates.append(update)
      if let trouble = run.record(update, peak: peak) {
        progress.clear()
        log.info(trouble)
      }
      progress.update(step: update.step) {
        update.fields(trainer.step, peak: peak)
      }
      try run.saveIfDue()
      if evaluateEvery > 0, update.step.isMultiple(of: evaluateEvery) {
        progress.clear()
        try logAccuracy(run)
      }
    }
    try run.saveLast()
    return updates
  }

  private func logAccuracy(_ run: FineTuningRun) throws {
    guard let result = try run.answers(count: answers).first else { return }
    log.info(
      "step \(run.trainer.updates): \(result.correct) of \(result.examples) correct "
        + "[\(Format.percent(result.accuracy))], \(result.badlyFormed) badly formed")
  }

  private var log: Log {
    Log(level: .info, terminal: Terminal.detect(.error, noColor: output.noColor))
  }

  private func text(_ document: FinetuneDocument) -> String {
    guard document.steps > 0 else {
      return "all steps were done before\n" + document.evaluations.map(\.text).joined()
    }
    return "\(document.steps) steps in \(Format.duration(seconds: document.seconds)), loss "
      + "\(Format.fixed(document.firstLoss, 3)) -> \(Format.fixed(document.lastLoss, 3)), "
      + "\(Format.grouped(Int(document.tokensPerSecond))) tokens/s"
      + (document.skippedSteps > 0
        ? ", \(document.skippedSteps) skipped: their gradients were not finite" : "") + "\n"
      + document.evaluations.map(\.text).joined()
  }
}

/// The answer of `finetune --json`.
private struct FinetuneDocument: Encodable {
  let plan: ReportDocument.Plan
  let model: ReportDocument.Model
  let steps, skippedSteps, tokens: Int
  let seconds, tokensPerSecond, firstLoss, lastLoss: Double
  let losses: [Double]
  /// What the loss of each step was multiplied by.
  let lossScales: [Double]
  let evaluations: [EvaluationResult]

  init(
    _ trainer: Trainer, _ updates: [Trainer.Update], seconds: Double,
    _ evaluations: [EvaluationResult]
  ) {
    plan = ReportDocument.Plan(trainer.step.plan)
    model = ReportDocument.Model(trainer.step.model)
    steps = updates.count
    skippedSteps = updates.count { $0.isSkipped }
    tokens = updates.reduce(0) { $0 + $1.tokens }
    self.seconds = seconds
    tokensPerSecond = seconds > 0 ? Double(tokens) / seconds : 0
    losses = updates.map(\.loss)
    lossScales = updates.map(\.lossScale)
    firstLoss = losses.first ?? 0
    lastLoss = losses.last ?? 0
    self.evaluations = evaluations
  }
}
