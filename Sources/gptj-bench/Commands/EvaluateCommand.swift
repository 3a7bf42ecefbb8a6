import ArgumentParsing
import Datasets
import FineTuning
import Reporting

/// Lets a pretrained model answer labelled pairs: the notebook's accuracy.
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Lets a Hugging Face GPT-J answer labelled entailment pairs.",
    discussion:
      "An answer counts when, stripped of space and end of text, it is exactly the label.",
    examples: ["gptj-bench evaluate --pretrained trained --answers 50"])

  @OptionGroup var pretrained: PretrainedOptions

  @Option(
    help: ArgumentHelp(
      "MNLI to answer (.jsonl, .csv, .tsv, .txt, .parquet; default: the embedded held-out pairs).",
      valueName: "file"))
  var validation: String?

  @Option(help: ArgumentHelp("Pairs of each split to answer.", valueName: "n"))
  var answers = 500

  @Option(help: ArgumentHelp("Most tokens of an answer.", valueName: "n"))
  var outputLength = 5

  @Option(help: ArgumentHelp("Seed of the embedded pairs.", valueName: "n"))
  var seed = 42

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

  mutating func run() throws {
    let model = try pretrained.model()
    let task = try EntailmentTask(
      seed: seed, tokenizer: model.tokenizer,
      validation: validation.map { try ExampleFile(path: $0) })
    let setup = try HostSetup(
      ranks: pretrained.tensorParallel, tensorParallel: pretrained.tensorParallel, emulator)
    let reports = try task.heldOut(count: answers).map { split in
      EvaluationResult(
        split.name,
        try model.evaluate(
          split.examples, labels: split.labels, outputLength: outputLength, setup.emulatorOptions))
    }
    StandardStream.output.writeOrExit(
      json
        ? try JSONDocument(
          EvaluateDocument(evaluations: reports), schemaVersion: ReportDocument.schemaVersion
        ).text()
        : reports.map(\.text).joined())
  }
}

/// The answer of `evaluate --json`.
private struct EvaluateDocument: Encodable {
  let evaluations: [EvaluationResult]
}
