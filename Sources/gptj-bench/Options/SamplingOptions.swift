import ArgumentParsing
import FineTuning

/// How the next token is chosen; the most likely one where nothing is said.
struct SamplingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Draw, from the k most likely tokens only.", valueName: "k"))
  var topK: Int?

  @Option(
    help: ArgumentHelp(
      "Draw, from the most likely tokens that make up p of all (0 to 1).", valueName: "p"))
  var topP: Double?

  @Option(
    help: ArgumentHelp("Draw, with the logits divided by t.", valueName: "t"))
  var temperature: Double?

  @Option(
    help: ArgumentHelp("Draw, with the random numbers of this seed.", valueName: "n"))
  var seed: Int?

  func validate() throws {
    if let topK, topK < 1 {
      throw ValidationError("--top-k is \(topK), expected at least 1")
    }
    if let topP, !(0...1).contains(topP) {
      throw ValidationError("--top-p is \(topP), expected from 0 to 1")
    }
    if let temperature, !(temperature > 0 && temperature.isFinite) {
      throw ValidationError(
        "--temperature is \(temperature), expected more than 0; leave it out for the most likely "
          + "token")
    }
    if let seed, seed < 0 { throw ValidationError("--seed is \(seed), expected at least 0") }
  }

  /// As transformers orders them: temperature, top-k, top-p; nil where none was given.
  var sampling: Sampling? {
    guard topK != nil || topP != nil || temperature != nil || seed != nil else { return nil }
    return Sampling(
      temperature: temperature ?? 1, topK: topK, topP: topP ?? 1, seed: UInt64(seed ?? 0))
  }
}
