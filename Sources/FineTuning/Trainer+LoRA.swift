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
      PEFTConfig(lora), transfer.read(transfer.parameters.adapters.all, from: emulator),
      base: base, to: path)
  }

  /// All weights as a plain GPT-J has them: adapters merged in.
  ///
  /// Holds the model once in float32, and one matrix more for each target.
  package func tensors() -> [(name: String, shape: [Int], values: [Float])] {
    var tensors = transfer.read(transfer.parameters.ofModel, from: emulator)
    guard let lora = step.lora else { return tensors }
    let adapters = Dictionary(
      uniqueKeysWithValues: transfer.read(transfer.parameters.adapters.all, from: emulator)
        .map { ($0.name, $0.values) })
    for index in tensors.indices {
      guard let (a, b) = lora.adapterNames(ofWeight: tensors[index].name), let a = adapters[a],
        let b = adapters[b]
      else { continue }
      tensors[index].values = lora.merged(tensors[index].values, a: a, b: b)
    }
    return tensors
  }

  /// Sets A to random numbers and B to zero.
  func initializeAdapters() {
    let random = RandomAdapters(configuration.lora)
    let adapters = transfer.parameters.adapters.all
    transfer.write(adapters, to: emulator) { name in
      let parameter = adapters.first { name.hasSuffix($0.suffixBehindLayer) }
      return random.values(of: name, count: parameter?.fullShape.reduce(1, *) ?? 0)
    }
  }
}

extension Parameter {
  /// What its Hugging Face name has behind the layer's number.
  fileprivate var suffixBehindLayer: String {
    huggingFaceNames[0].split(separator: ".N").last.map(String.init) ?? ""
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
