import ArgumentParsing
import Configuration
import Datasets
import FineTuning
import Reporting

/// Lets a pretrained model answer labelled pairs: the notebook's accuracy.
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Lets a Hugging Face GPT-J answer labelled entailment pairs, or any task's rows.",
    discussion:
      "An answer counts when, stripped of space and end of text, it is exactly the label. Beside the "
      + "answers, the most likely label is found by the sum of its tokens' log-probabilities.",
    examples: [
      "gptj-bench evaluate --pretrained trained --answers 50",
      "gptj-bench evaluate --pretrained trained --validation mnli_dev.jsonl --predictions out.jsonl",
    ])

  @OptionGroup var pretrained: PretrainedOptions

  @Option(
    help: ArgumentHelp(
      "Rows to answer (.jsonl, .csv, .tsv, .txt, .parquet; default: the embedded held-out pairs).",
      valueName: "file"))
  var validation: String?

  @Option(
    help: ArgumentHelp(
      "Whose task the rows are: a preset of config/finetuning.yml, or FILE.yml[:PRESET].",
      valueName: "name"))
  var config = RealRun.preset

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Overrides one setting, such as task.prompt.", valueName: "key=value"))
  var settings: [String] = []

  @Option(help: ArgumentHelp("Pairs of each split to answer.", valueName: "n"))
  var answers = 500

  @Option(help: ArgumentHelp("Most tokens of an answer.", valueName: "n"))
  var outputLength = 5

  @Option(help: ArgumentHelp("Seed of the embedded pairs.", valueName: "n"))
  var seed = 42

  @Option(
    help: ArgumentHelp(
      "Writes each prompt, answer and label's log-probability, one JSON object a line.",
      valueName: "file.jsonl"))
  var predictions: String?

  @Flag(inversion: .prefixedNo, help: "Ranks the labels too: about one more pass over each prompt.")
  var ranking = true

  @OptionGroup var emulator: EmulatorOptions

  @Flag(help: "Prints one JSON document instead of text.")
  var json = false

  func validate() throws {
    for (flag, value) in [("--answers", answers), ("--output-length", outputLength)]
    where !(1...1_000_000).contains(value) {
      throw ValidationError("\(flag) is \(value), expected from 1 to 1000000")
    }
    guard seed >= 0 else { throw ValidationError("--seed is \(seed), expected at least 0") }
  }

  private func taskConfiguration() throws -> TaskConfiguration {
    let resolver = ConfigurationResolver(
      config, environment: environment(), otherVariables: Workload.otherVariables,
      overrides: try settings.map { try ConfigurationOverride(assignment: $0, flag: "--set") })
    return try resolver.resolve(FineTuningConfiguration.self).task
  }

  mutating func run() throws {
    if let predictions { try checkWritable(predictions) }
    let model = try pretrained.model()
    let configured = try taskConfiguration()
    let task = try TrainingTask(
      configured, seed: seed, tokenizer: model.tokenizer,
      validation: validation.map { try ExampleFile(path: $0, task: configured) })
    let setup = try HostSetup(
      ranks: pretrained.tensorParallel, tensorParallel: pretrained.tensorParallel, emulator)
    let reports = try task.heldOut(count: answers).map { split in
      (
        name: split.name,
        report: try model.evaluate(
          Questions(split.examples, labels: split.labels), outputLength: outputLength,
          ranksLabels: ranking,
          setup.emulatorOptions)
      )
    }
    if let predictions {
      let lines = try reports.map { try $0.report.predictionLines(split: $0.name) }
      try writeFile(lines.joined(), to: predictions)
    }
    let results = reports.map { EvaluationResult($0.name, $0.report) }
    StandardStream.output.writeOrExit(
      json
        ? try JSONDocument(
          EvaluateDocument(evaluations: results), schemaVersion: ReportDocument.schemaVersion
        ).text()
        : results.map(\.text).joined())
  }
}

/// The answer of `evaluate --json`.
private struct EvaluateDocument: Encodable {
  let evaluations: [EvaluationResult]
}
