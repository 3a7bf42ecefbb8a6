import Glibc

/// A directory with a LoRA adapter for a GPT-J in peft's format, opened; its tensors are read one at
/// a time when they are asked for.
package final class PEFTAdapter: Sendable {
  package let path: String
  package let config: PEFTConfig
  private let file: SafetensorsFile

  private static let configName = "/adapter_config.json"
  static let weightsName = "adapter_model.safetensors"
  /// What stands in front of the model's own names (peft, `PeftModel`).
  static let prefix = "base_model.model."

  /// Opens `adapter_config.json` and `adapter_model.safetensors`.
  ///
  /// - Throws: `CheckpointError` naming the file or key that is missing or cannot be followed.
  package init(path: String) throws(CheckpointError) {
    self.path = path
    guard access(path + Self.configName, F_OK) == 0 else {
      throw .missing(
        path: path, expected: "a directory with adapter_config.json and adapter_model.safetensors")
    }
    config = try PEFTConfig(path: path + Self.configName)
    guard access("\(path)/\(Self.weightsName)", F_OK) == 0 else {
      let isPickle = access(path + "/adapter_model.bin", F_OK) == 0
      throw .missing(
        path: path,
        expected: "adapter_model.safetensors in it"
          + (isPickle ? " (adapter_model.bin is not read: save it as safetensors)" : ""))
    }
    file = try SafetensorsFile(path: "\(path)/\(Self.weightsName)")
  }

  package static func isThere(_ path: String) -> Bool { access(path + configName, F_OK) == 0 }

  package var configPath: String { path + Self.configName }

  /// Checks that every block of that model has an adapter of each target, and nothing else has.
  ///
  /// - Throws: `CheckpointError` naming the tensor and what its shape should be.
  package func check(_ model: GPTJConfig) throws(CheckpointError) {
    let expected = Self.tensors(config, model)
    for tensor in expected {
      let shape = try file.shape(of: tensor.name)
      guard shape == tensor.shape else {
        throw .malformedTensor(
          file: file.path, tensor: tensor.name,
          expected: "shape \(brief(tensor.shape)) by the model and \(Self.configName.dropFirst()), "
            + "found \(brief(shape))")
      }
    }
    let names = Set(expected.map(\.name))
    for name in file.names where !names.contains(name) {
      throw .malformedTensor(
        file: file.path, tensor: name,
        expected: "no tensor but lora_A and lora_B of the target modules of \(model.layers) layers")
    }
  }

  /// The elements of a tensor, row-major, by its name without peft's prefix, such as
  /// `transformer.h.0.attn.q_proj.lora_A.weight`.
  ///
  /// - Throws: `CheckpointError` for what is no float, and for a value that is not finite.
  package func floats(of name: String) throws(CheckpointError) -> [Float] {
    let values = try file.floats(of: Self.prefix + name)
    if let index = values.firstIndex(where: { !$0.isFinite }) {
      throw .malformedTensor(
        file: file.path, tensor: Self.prefix + name,
        expected: "finite numbers, found \(values[index]) at element \(index)")
    }
    return values
  }

  /// Writes a directory that `PeftModel.from_pretrained` loads, float32, and reads it back.
  ///
  /// Tensors come without peft's prefix; `base` is the model that they belong to, as peft's users
  /// name it: a path or a hub's id.
  ///
  /// - Throws: `CheckpointError` when `path` exists, the disk is full, and so on; then nothing stays.
  package static func write(
    _ config: PEFTConfig, _ tensors: [TensorShape], base: String?, to path: String,
    values: (_ name: String) throws(CheckpointError) -> [Float]
  ) throws {
    try HuggingFaceDirectory.checkFree(path)
    try makeWholeDirectory(at: path) { folder in
      try fill(folder, config, tensors, base: base, values: values)
      let written = try PEFTAdapter(path: folder)
      for tensor in tensors {
        guard try written.floats(of: tensor.name).elementsEqual(values(tensor.name)) else {
          throw CheckpointError.malformedTensor(
            file: folder, tensor: tensor.name, expected: "the values that were written")
        }
      }
    }
  }

  /// Writes configuration and weights into a folder.
  ///
  /// - Returns: The CRC-32 of each tensor, by its name in the file.
  @discardableResult
  static func fill(
    _ folder: String, _ config: PEFTConfig, _ tensors: [TensorShape], base: String?,
    values: (_ name: String) throws(CheckpointError) -> [Float]
  ) throws(CheckpointError) -> [String: UInt32] {
    try writeNewFile(config.json(base: base), to: folder + configName)
    return try SafetensorsWriter.write(
      tensors.map { TensorShape(name: prefix + $0.name, shape: $0.shape) },
      to: "\(folder)/\(weightsName)"
    ) { name throws(CheckpointError) in
      try values(String(name.dropFirst(prefix.count)))
    }
  }

  /// Names and shapes of an adapter's tensors, in the order of the model.
  private static func tensors(
    _ config: PEFTConfig, _ model: GPTJConfig
  ) -> [TensorShape] {
    model.tensors.flatMap { weight -> [TensorShape] in
      let parts = weight.name.split(separator: ".")
      guard parts.count == 6, parts[5] == "weight", config.targets.contains(String(parts[4])) else {
        return []
      }
      let stem = prefix + parts[..<5].joined(separator: ".")
      return [
        TensorShape(
          name: stem + ".lora_A.weight", shape: [config.rank, weight.shape[1]]),
        TensorShape(
          name: stem + ".lora_B.weight", shape: [weight.shape[0], config.rank]),
      ]
    }
  }
}
