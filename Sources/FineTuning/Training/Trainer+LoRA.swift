package import Checkpoints
package import Configuration
import GPTJ

/// Adapters from and to peft's directories, and merged into the model.
extension Trainer {
  /// Takes the adapters of a directory instead of random ones.
  ///
  /// - Throws: `CheckpointError` when they are not the configured ones or not of this model.
  package func load(_ adapter: PEFTAdapter) throws {
    try adapter.check(configuration)
    try adapter.check(GPTJConfig(configuration.model))
    try transfer.write(transfer.parameters.adapters.all, to: emulator) { name in
      try adapter.floats(of: name)
    }
  }

  /// Writes the adapters as they are now as a directory that peft loads, and reads it back.
  ///
  /// `base` is the model that they belong to, as the user named it; nil for a random one.
  ///
  /// - Throws: `CheckpointError`; nothing is left at `path` then.
  package func exportAdapter(to path: String, base: String?) throws {
    guard let lora = step.lora else { preconditionFailure("this run trains no adapter") }
    try PEFTAdapter.write(
      PEFTConfig(lora), transfer.shapes(transfer.parameters.adapters.all), base: base, to: path
    ) { transfer.values(of: $0, from: emulator) }
  }

  /// One weight as a plain GPT-J has it: its adapter merged in.
  package func weight(_ name: String) -> [Float] {
    let weight = transfer.values(of: name, from: emulator)
    guard let (a, b) = step.lora?.adapterNames(ofWeight: name) else { return weight }
    return step.lora?.merged(
      weight, a: transfer.values(of: a, from: emulator), b: transfer.values(of: b, from: emulator))
      ?? weight
  }

  /// Sets A to random numbers and B to zero.
  func initializeAdapters() {
    let random = RandomAdapters(configuration.lora)
    transfer.write(transfer.parameters.adapters.all, to: emulator) { name in
      random.values(of: name, count: transfer.count(of: name))
    }
  }
}

extension PEFTConfig {
  init(_ lora: LoRA) {
    self.init(rank: lora.rank, alpha: lora.alpha, targets: lora.targets.map(\.rawValue))
  }

  /// The adapters that it describes.
  var lora: LoRA {
    LoRA(rank: rank, alpha: alpha, targets: targets.compactMap { LoRA.Target(rawValue: $0) })
  }
}

extension PEFTAdapter {
  /// The settings that give a configuration this adapter's shape.
  package var overrides: [ConfigurationOverride] {
    [
      ("lora.rank", "\(config.rank)"), ("lora.alpha", "\(config.alpha)"),
      ("lora.targets", "[\(config.targets.joined(separator: ", "))]"),
    ].map { ConfigurationOverride(path: $0, value: $1, origin: configPath) }
  }

  /// - Throws: `CheckpointError` naming the first key in which configured adapters differ.
  func check(_ configuration: FineTuningConfiguration) throws(CheckpointError) {
    let lora = configuration.lora
    let targets = lora.targets.map(\.rawValue).joined(separator: ", ")
    for (key, found, expected) in [
      ("r", "\(config.rank)", "\(lora.rank)"), ("lora_alpha", "\(config.alpha)", "\(lora.alpha)"),
      ("target_modules", config.targets.joined(separator: ", "), targets),
    ] where found != expected {
      throw .configuration(
        file: configPath, key: key, found: found, expected: "\(expected), as configured")
    }
  }
}
