import Glibc

/// A directory that `GPTJForCausalLM.save_pretrained` wrote, opened and checked.
///
/// Names and shapes of all tensors are compared with `config.json` before any is read; tensors are
/// read one at a time when they are asked for.
package final class HuggingFaceDirectory: Sendable {
  package let path: String
  package let config: GPTJConfig
  /// Which file holds a tensor.
  private let files: [String: any TensorFile]

  /// Opens `config.json` and the weights: safetensors, or else PyTorch's .bin, in one file or many.
  ///
  /// - Throws: `CheckpointError` naming file, key or tensor: what is missing, has another shape, or
  ///   is no part of a GPT-J. The legacy buffers `attn.bias` and `attn.masked_bias` may be there.
  package init(path: String) throws(CheckpointError) {
    self.path = path
    guard access(path + "/config.json", F_OK) == 0 else {
      throw .missing(path: path, expected: "a directory with config.json and weights")
    }
    config = try GPTJConfig(path: path + "/config.json")
    files = try Self.tensorFiles(in: path)
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

  private func file(of name: String) throws(CheckpointError) -> any TensorFile {
    if let file = files[name] { return file }
    throw .unknownTensor(
      file: path, tensor: name, nearest: nearest(to: name, among: files.keys.sorted()))
  }

  private func check() throws(CheckpointError) {
    if let (name, layout) = HuggingFaceGPTJ.foreignLayout(of: files.keys), let file = files[name] {
      throw .malformedTensor(
        file: file.path, tensor: name, expected: "tensors of GPTJForCausalLM, found \(layout)")
    }
    // A layer count that the file cannot have must not make a list as long; a layer has 10 tensors.
    guard config.layers <= (files.count + 9) / 10 else {
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
