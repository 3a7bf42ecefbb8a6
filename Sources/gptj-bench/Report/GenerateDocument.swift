import Datasets
import FineTuning
import Reporting

/// The answer of `generate --json`.
struct GenerateDocument: Encodable {
  let results: [Result]
  /// Reading the model and laying it out; runs that read prompts; runs that only continue.
  let loadSeconds, prefillSeconds, decodeSeconds: Double
  let promptTokens, generatedTokens: Int
  /// Generated tokens over the time of all runs.
  let tokensPerSecond: Double

  struct Result: Encodable {
    let prompt, generatedText: String
    /// The end of the text included where the model ended it.
    let generatedIDs: [Int32]

    init(_ prompt: String, _ ids: [Int32], _ tokenizer: Tokenizer) {
      self.prompt = prompt
      generatedText = prompt + tokenizer.decode(ids.filter { $0 != tokenizer.endOfTextID })
      generatedIDs = ids
    }

    enum CodingKeys: String, CodingKey {
      case prompt, generatedText
      case generatedIDs = "generatedIds"
    }
  }

  init(_ results: [Result], _ measured: Generator.Measurement, loadSeconds: Double) {
    self.results = results
    self.loadSeconds = loadSeconds
    prefillSeconds = measured.prefillSeconds
    decodeSeconds = measured.decodeSeconds
    promptTokens = measured.promptTokens
    generatedTokens = measured.generatedTokens
    tokensPerSecond =
      measured.seconds > 0 ? Double(measured.generatedTokens) / measured.seconds : 0
  }

  /// One line for standard error.
  var summary: String {
    "\(Format.grouped(promptTokens)) tokens read, \(Format.grouped(generatedTokens)) written: "
      + "\(Format.grouped(Int(tokensPerSecond))) tokens/s (loaded in "
      + "\(Format.duration(seconds: loadSeconds)), prompts \(Format.duration(seconds: prefillSeconds)), "
      + "then \(Format.duration(seconds: decodeSeconds)))\n"
  }
}
