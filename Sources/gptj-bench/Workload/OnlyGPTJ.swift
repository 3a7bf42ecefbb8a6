import ArgumentParsing
import Transformers

/// The one model that is run, beside those that are only timed.
enum OnlyGPTJ {
  /// Whether `--model` asks for what everything here is made for.
  static func isMeant(by model: String?) -> Bool { model == nil || model == "gptj" }

  static let sentence =
    "only GPT-J also runs: other models are described as data and timed by `estimate` alone"

  /// Refuses another model where something would be run.
  static func require(_ model: String?) throws(ValidationError) {
    guard let model, !isMeant(by: model), model != "gpt-j" else { return }
    throw ValidationError("--model \(model): \(sentence)")
  }
}
