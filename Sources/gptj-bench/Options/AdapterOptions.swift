import ArgumentParsing
import Checkpoints
import Configuration
import FineTuning

/// Low-rank adapters to train instead of the weights, in peft's format.
struct AdapterOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Trains low-rank adapters, such as rank=16,alpha=32,targets=q_proj,v_proj.",
      valueName: "settings"))
  var lora: String?

  @Option(
    help: ArgumentHelp("A LoRA adapter of peft to go on training.", valueName: "directory"))
  var adapter: String?

  @Option(
    help: ArgumentHelp(
      "Writes the trained adapters as a new directory of peft.", valueName: "directory"))
  var exportAdapter: String?
}

extension AdapterOptions {
  /// - Throws: `CheckpointError` naming the file or key.
  func open() throws -> PEFTAdapter? { try adapter.map { try PEFTAdapter(path: $0) } }

  /// An adapter's shape, and above it what `--lora` says.
  ///
  /// - Throws: `ConfigurationError` for a list that is none.
  func overrides(_ adapter: PEFTAdapter?) throws -> [ConfigurationOverride] {
    try (adapter?.overrides ?? []) + (lora.map { try LoRAConfiguration.overrides($0) } ?? [])
  }

  /// - Throws: `ValidationError` where there would be nothing to write, `CheckpointError` where there
  ///   is no place for it.
  func check(_ configuration: FineTuningConfiguration) throws {
    guard lora == nil || configuration.lora.isOn else {
      throw ValidationError("--lora has no rank above 0, expected one, such as rank=16")
    }
    guard let exportAdapter else { return }
    guard configuration.lora.isOn else {
      throw ValidationError(
        "--export-adapter needs adapters, expected --lora, --adapter or a lora.rank above 0")
    }
    try HuggingFaceDirectory.checkFree(exportAdapter)
  }
}
