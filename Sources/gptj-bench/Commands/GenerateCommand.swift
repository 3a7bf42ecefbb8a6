import ArgumentParsing
import Datasets
import FineTuning
import Reporting

/// Continues prompts with a pretrained model, greedily.
struct GenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Continues prompts with a Hugging Face GPT-J, greedily, on emulated shards.",
    discussion: "Always the most likely token; of equal ones the first.",
    examples: ["gptj-bench generate --pretrained trained --prompt 'mnli hypothesis:'"])

  @OptionGroup var pretrained: PretrainedOptions

  @Option(help: ArgumentHelp("A text to go on from; may be repeated.", valueName: "text"))
  var prompt: [String]

  @Option(help: ArgumentHelp("Most tokens to add to a prompt.", valueName: "n"))
  var outputLength = 20

  @OptionGroup var emulator: EmulatorOptions

  @Flag(help: "Prints one JSON document instead of text.")
  var json = false

  func validate() throws {
    guard (1...1_000_000).contains(outputLength) else {
      throw ValidationError("--output-length is \(outputLength), expected from 1 to 1000000")
    }
  }

  mutating func run() throws {
    let model = try pretrained.model()
    let setup = try HostSetup(
      ranks: pretrained.tensorParallel, tensorParallel: pretrained.tensorParallel, emulator)
    let answers = try model.answers(
      to: prompt.map { model.tokenizer.encode($0) }, outputLength: outputLength,
      setup.emulatorOptions)
    let results = zip(prompt, answers).map { prompt, ids in
      let text = ids.filter { $0 != model.tokenizer.endOfTextID }
      return GenerateDocument.Result(
        prompt: prompt, generatedText: prompt + model.tokenizer.decode(text), generatedIDs: ids)
    }
    StandardStream.output.writeOrExit(
      json
        ? try JSONDocument(
          GenerateDocument(results: results), schemaVersion: ReportDocument.schemaVersion
        ).text()
        : results.map { $0.generatedText + "\n" }.joined())
  }
}

/// The answer of `generate --json`.
private struct GenerateDocument: Encodable {
  struct Result: Encodable {
    let prompt, generatedText: String
    /// The end of the text included where the model ended it.
    let generatedIDs: [Int32]

    enum CodingKeys: String, CodingKey {
      case prompt, generatedText
      case generatedIDs = "generatedIds"
    }
  }

  let results: [Result]
}
