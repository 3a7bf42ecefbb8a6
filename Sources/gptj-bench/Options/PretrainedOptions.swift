import ArgumentParsing
import Checkpoints
import FineTuning

/// Which model answers, and over how many shards.
struct PretrainedOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A Hugging Face GPT-J: config, weights, tokenizer.", valueName: "directory"))
  var pretrained: String

  @Option(
    help: ArgumentHelp(
      "A LoRA adapter of peft, merged into the weights.", valueName: "directory"))
  var adapter: String?

  @Option(
    name: .customLong("tp"), help: ArgumentHelp("Tensor parallelism.", valueName: "n"))
  var tensorParallel = 1

  func validate() throws {
    guard tensorParallel >= 1 else {
      throw ValidationError("--tp is \(tensorParallel), expected at least 1")
    }
  }

  func model() throws -> PretrainedModel {
    try PretrainedModel(
      path: pretrained, tensorParallel: tensorParallel,
      adapter: adapter.map { try PEFTAdapter(path: $0) })
  }
}
