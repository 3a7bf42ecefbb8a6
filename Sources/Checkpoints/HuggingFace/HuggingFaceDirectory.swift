import FoundationEssentials
import Glibc

/// A directory that `GPTJForCausalLM.save_pretrained` wrote, opened and checked.
///
/// Names and shapes of all tensors are compared with `config.json` before any is read; tensors are
/// read one at a time when they are asked for.
package final class HuggingFaceDirectory: Sendable {
  package let path: String
  package let config: GPTJConfig
  /// Which file holds a tensor.
  private let files: [String: SafetensorsFile]

  /// Opens `config.json` and `model.safetensors`, or the files of `model.safetensors.index.json`.
  ///
  /// - Throws: `CheckpointError` naming file, key or tensor: what is missing, has another shape, or
  ///   is no part of a GPT-J. The legacy buffers `attn.bias` and `attn.masked_bias` may be there.
  package init(path: String) throws(CheckpointError) {
    self.path = path
    guard access(path + "/config.json", F_OK) == 0 else {
      throw .missing(path: path, expected: "a directory with config.json and safetensors weights")
    }
    config = try GPTJConfig(path: path + "/config.json")
    files = try Self.weightFiles(in: path)
    try check()
  }

  /// The elements of one tensor, row-major, widened to float32.
  ///
  /// - Throws: `CheckpointError` for what is no float, and for a value that is not finite.
  package func floats(of name: String) throws(CheckpointError) -> [Float] {
    let file = try file(of: name)
    let values = try file.floats(of: name)
    if let index = values.firstIndex(where: { !$0.isFinite }) {
      throw .malformedTensor(
        file: file.path, tensor: name,
        expected: "finite numbers, found \(values[index]) at element \(index)")
    }
    return values
  }

  private func file(of name: String) throws(CheckpointError) -> SafetensorsFile {
    if let file = files[name] { return file }
    throw .unknownTensor(
      file: path, tensor: name, nearest: nearest(to: name, among: files.keys.sorted()))
  }

  private func check() throws(CheckpointError) {
    // A layer count that the file cannot have must not make a list as long.
    guard config.layers <= files.count else {
      throw .configuration(
        file: path + "/config.json", key: "n_layer", found: "\(config.layers)",
        expected: "as many layers as the weights have; there are \(files.count) tensors in all")
    }
    let expected = config.tensors
    for tensor in expected {
      let file = try file(of: tensor.name)
      let shape = try file.shape(of: tensor.name)
      guard shape == tensor.shape else {
        throw .malformedTensor(
          file: file.path, tensor: tensor.name,
          expected: "shape \(brief(tensor.shape)) by config.json, found \(brief(shape))")
      }
    }
    let names = Set(expected.map(\.name))
    for (name, file) in files.sorted(by: { $0.key < $1.key })
    where !names.contains(name) && !Self.isLegacyBuffer(name) {
      throw .malformedTensor(
        file: file.path, tensor: name, expected: "no tensor that GPT-J does not have")
    }
  }

  private static func isLegacyBuffer(_ name: String) -> Bool {
    name.hasPrefix("transformer.h.")
      && (name.hasSuffix(".attn.bias") || name.hasSuffix(".attn.masked_bias"))
  }
}

/// Finding the files.
extension HuggingFaceDirectory {
  private static func weightFiles(
    in path: String
  ) throws(CheckpointError) -> [String: SafetensorsFile] {
    let single = path + "/model.safetensors"
    let index = single + ".index.json"
    if access(single, F_OK) == 0 {
      let file = try SafetensorsFile(path: single)
      return Dictionary(uniqueKeysWithValues: file.names.map { ($0, file) })
    }
    if access(index, F_OK) == 0 { return try shards(index, in: path) }
    let hasPickle = ["/pytorch_model.bin", "/pytorch_model.bin.index.json"].contains {
      access(path + $0, F_OK) == 0
    }
    throw .missing(
      path: path,
      expected: "model.safetensors or model.safetensors.index.json in it"
        + (hasPickle ? " (pytorch_model.bin is not read: save it as safetensors)" : ""))
  }

  private struct Index: Decodable {
    var weight_map: [String: String]
  }

  /// The index of 6B models has 341 names; a hundred times as much is no index.
  private static let indexByteLimit = 1 << 24

  private static func shards(
    _ index: String, in path: String
  ) throws(CheckpointError) -> [String: SafetensorsFile] {
    let bytes = try FileDescriptor.contents(of: index, limit: indexByteLimit)
    guard let map = try? JSONDecoder().decode(Index.self, from: Data(bytes)).weight_map else {
      throw .malformedHeader(
        file: index, byte: 0, expected: "a JSON object whose weight_map gives each tensor's file")
    }
    var opened: [String: SafetensorsFile] = [:]
    var files: [String: SafetensorsFile] = [:]
    for (tensor, name) in map.sorted(by: { $0.key < $1.key }) {
      guard !name.contains("/"), name.hasSuffix(".safetensors") else {
        throw .malformedTensor(
          file: index, tensor: tensor,
          expected: "a plain name of a .safetensors file, found \(quoted(name))")
      }
      if opened[name] == nil { opened[name] = try SafetensorsFile(path: "\(path)/\(name)") }
      // Throws for a tensor that its file does not have.
      _ = try opened[name]?.shape(of: tensor)
      files[tensor] = opened[name]
    }
    return files
  }
}
