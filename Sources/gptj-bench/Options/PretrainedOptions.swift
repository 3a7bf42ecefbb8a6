import ArgumentParsing
import FineTuning

/// Which model answers, and over how many shards.
struct PretrainedOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A Hugging Face GPT-J: config, safetensors, tokenizer.", valueName: "directory"))
  var pretrained: String

  @Option(
    name: .customLong("tp"), help: ArgumentHelp("Tensor parallelism.", valueName: "n"))
  var tensorParallel = 1

  func validate() throws {
    guard tensorParallel >= 1 else {
      throw ValidationError("--tp is \(tensorParallel), expected at least 1")
    }
  }

  func model() throws -> PretrainedModel {
    try PretrainedModel(path: pretrained, tensorParallel: tensorParallel)
  }
}
