import ArgumentParsing
import Checkpoints
import FineTuning
import GPTJ
import Reporting

/// Writes any checkpoint as a Hugging Face directory, and checks it.
struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Writes a checkpoint as a Hugging Face directory: model, configs, tokenizer.",
    discussion: "The source may be a run's folder, one of its checkpoints, or a Hugging Face "
      + "directory with safetensors or PyTorch files. Adapters are merged in.",
    examples: [
      "gptj-bench convert --pretrained run/checkpoint-200 --output model",
      "gptj-bench convert --pretrained model --dtype bfloat16 --output model-bf16",
    ])

  @OptionGroup var pretrained: PretrainedOptions

  @Option(help: ArgumentHelp("The directory to make.", valueName: "directory"))
  var output: String

  @Option(help: ArgumentHelp("float32, float16 or bfloat16.", valueName: "type"))
  var dtype = FloatType.float32

  @Flag(help: "Does not load both models to compare their log-probabilities.")
  var noCheck = false

  @OptionGroup var emulator: EmulatorOptions

  @Flag(help: "Prints one JSON document instead of text.")
  var json = false

  mutating func run() throws {
    let model = try pretrained.model()
    let setup = try HostSetup(
      ranks: pretrained.tensorParallel, tensorParallel: pretrained.tensorParallel, emulator)
    let difference = try model.export(
      to: output, as: dtype, checking: noCheck ? nil : setup.emulatorOptions)
    let document = ConvertDocument(
      output: output, dtype: dtype.rawValue,
      parameters: model.directory.config.tensors.reduce(0) { $0 + $1.count },
      largestDifference: difference)
    StandardStream.output.writeOrExit(
      json
        ? try JSONDocument(document, schemaVersion: ReportDocument.schemaVersion).text()
        : document.text)
  }
}

extension FloatType: ExpressibleByArgument {}

/// The answer of `convert --json`.
private struct ConvertDocument: Encodable {
  let output, dtype: String
  let parameters: Int
  /// Of the log-probabilities of some tokens, written and source; null where they were not compared.
  let largestDifference: Double?

  var text: String {
    let check = largestDifference.map {
      "; log-probabilities differ by at most \(Format.scientific($0))"
    }
    return "\(output): \(Format.grouped(parameters)) parameters in \(dtype)\(check ?? "")\n"
  }
}
