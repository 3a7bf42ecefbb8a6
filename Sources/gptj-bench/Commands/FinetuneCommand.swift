import ArgumentParsing
import Configuration
import Datasets
import Emulator
import FineTuning
import GPTJ
import Reporting

/// Trains a small GPT-J from random weights on the embedded pairs, and lets it answer held-out ones.
struct FinetuneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "finetune",
    abstract: "Trains on the embedded entailment pairs, sharded, and answers held-out pairs.",
    discussion: "The weights start random; data, vocabulary and configuration are built in.",
    examples: ["gptj-bench finetune --steps 100 --answers 50"])

  @Option(
    help: ArgumentHelp(
      "Configuration: a preset of config/finetuning.yml, or FILE.yml[:PRESET].",
      valueName: "name"))
  var config = RealRun.preset

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
    help: ArgumentHelp("Answers matched pairs every so many steps; 0 for never.", valueName: "n"))
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
    let configuration = try resolve()
    if printConfig {
      StandardStream.output.writeOrExit(configuration.printYAML())
      return
    }
    let task = try EntailmentTask(seed: configuration.model.seed)
    try task.check(configuration)
    let setup = try HostSetup(
      ranks: configuration.ipus, tensorParallel: configuration.execution.tensorParallel, emulator)
    let trainer = try Trainer(configuration, setup.emulatorOptions)
    trainer.initialize(RandomWeights(configuration.model))
    let clock = ContinuousClock()
    let start = clock.now
    let updates = try train(trainer, task, setup)
    let seconds = start.duration(to: clock.now) / .seconds(1)
    let reports = try EntailmentSet.Split.heldOut.map { split in
      (
        split,
        try trainer.evaluate(
          task.heldOut(split, count: answers), tokenizer: task.tokenizer, setup.emulatorOptions)
      )
    }
    let document = FinetuneDocument(trainer, updates, seconds: seconds, reports)
    StandardStream.output.writeOrExit(
      output.json
        ? try JSONDocument(document, schemaVersion: ReportDocument.schemaVersion).text()
        : text(document, reports))
  }

  private func resolve() throws -> FineTuningConfiguration {
    var overrides = try settings.map { try ConfigurationOverride(assignment: $0, flag: "--set") }
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
    _ trainer: Trainer, _ task: EntailmentTask, _ setup: HostSetup
  ) throws -> [Trainer.Update] {
    let steps = trainer.configuration.training.steps
    var batches = task.batches(trainer.configuration)
    let peak = trainer.emulator.measurePeak(seconds: 0.2)
    var progress = ProgressLine(
      "finetune", total: steps, terminal: Terminal.detect(.error, noColor: output.noColor),
      isOff: output.noProgress)
    defer { progress.finish() }
    return try (0..<steps).map { _ in
      let update = trainer.update(on: batches.next())
      progress.update(step: update.step) {
        update.fields(model: trainer.step.model, peak: peak)
      }
      if evaluateEvery > 0, update.step.isMultiple(of: evaluateEvery) {
        progress.clear()
        try logAccuracy(trainer, task, setup)
      }
      return update
    }
  }

  private func logAccuracy(
    _ trainer: Trainer, _ task: EntailmentTask, _ setup: HostSetup
  ) throws {
    let report = try trainer.evaluate(
      task.heldOut(.validationMatched, count: answers), tokenizer: task.tokenizer,
      setup.emulatorOptions)
    Log(level: .info, terminal: Terminal.detect(.error, noColor: output.noColor)).info(
      "step \(trainer.updates): \(report.correct) of \(report.examples) matched pairs correct "
        + "[\(Format.percent(report.accuracy))]")
  }

  /// The notebook's four lines for each split.
  private func text(
    _ document: FinetuneDocument, _ reports: [(EntailmentSet.Split, EntailmentReport)]
  ) -> String {
    var text =
      "\(document.steps) steps in \(Format.duration(seconds: document.seconds)), loss "
      + "\(Format.fixed(document.firstLoss, 3)) -> \(Format.fixed(document.lastLoss, 3)), "
      + "\(Format.grouped(Int(document.tokensPerSecond))) tokens/s\n"
    for (split, report) in reports where report.examples > 0 {
      text += """
        \(split.rawValue)
          Total number of examples  \(report.examples)
          Number of badly formed    \(report.badlyFormed)
          Number of incorrect       \(report.incorrect)
          Number of correct         \(report.correct) [\(Format.percent(report.accuracy))]

        """
    }
    return text
  }
}

extension EntailmentSet.Split {
  static let heldOut: [Self] = [.validationMatched, .validationMismatched]
}

/// The answer of `finetune --json`.
private struct FinetuneDocument: Encodable {
  let plan: ReportDocument.Plan
  let model: ReportDocument.Model
  let steps, tokens: Int
  let seconds, tokensPerSecond, firstLoss, lastLoss: Double
  let losses: [Double]
  let evaluations: [Evaluation]

  struct Evaluation: Encodable {
    let split: String
    let examples, badlyFormed, incorrect, correct: Int
    let accuracy: Double
  }

  init(
    _ trainer: Trainer, _ updates: [Trainer.Update], seconds: Double,
    _ reports: [(EntailmentSet.Split, EntailmentReport)]
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
    evaluations = reports.map {
      Evaluation(
        split: $0.rawValue, examples: $1.examples, badlyFormed: $1.badlyFormed,
        incorrect: $1.incorrect, correct: $1.correct, accuracy: $1.accuracy)
    }
  }
}
