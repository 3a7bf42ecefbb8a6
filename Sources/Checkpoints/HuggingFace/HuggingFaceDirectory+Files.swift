import FoundationEssentials
import Glibc

/// Finding the files, in transformers' order: safetensors before PyTorch's, one file before many.
extension HuggingFaceDirectory {
  static func tensorFiles(
    in path: String
  ) throws(CheckpointError) -> [String: any TensorFile] {
    for name in ["model.safetensors", "pytorch_model.bin"] {
      let single = "\(path)/\(name)"
      if exists(single) {
        let file = try open(single)
        return Dictionary(uniqueKeysWithValues: file.names.map { ($0, file) })
      }
      let index = single + ".index.json"
      if exists(index) {
        return try shards(index, suffix: name.hasSuffix(".bin") ? ".bin" : ".safetensors", in: path)
      }
    }
    throw .missing(
      path: path,
      expected: "model.safetensors or pytorch_model.bin, or one with .index.json, in it"
        + (otherFormat(in: path).map { "; \($0)" } ?? ""))
  }

  private static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  private static func open(_ path: String) throws(CheckpointError) -> any TensorFile {
    if path.hasSuffix(".bin") { return try PyTorchFile(path: path) }
    return try SafetensorsFile(path: path)
  }

  /// What to do with weights that are there, but not read.
  private static func otherFormat(in path: String) -> String? {
    let convert = "convert it with transformers 4: GPTJForCausalLM.from_pretrained"
    let formats = [
      ("flax_model.msgpack", "\(convert)(..., from_flax=True).save_pretrained(...)"),
      ("tf_model.h5", "\(convert)(..., from_tf=True).save_pretrained(...)"),
      ("rust_model.ot", "use the pytorch_model.bin that it was made from"),
    ]
    let found = formats.first { name, _ in
      exists("\(path)/\(name)") || exists("\(path)/\(name).index.json")
    }
    return found.map { "\($0.0) is not read: \($0.1)" }
  }

  private struct Index: Decodable {
    var weight_map: [String: String]
  }

  /// The index of 6B models has 341 names; a hundred times as much is no index.
  private static let indexByteLimit = 1 << 24

  /// The files of an index; a file may be a symbolic link, as all are in the hub's cache.
  private static func shards(
    _ index: String, suffix: String, in path: String
  ) throws(CheckpointError) -> [String: any TensorFile] {
    let bytes = try FileDescriptor.contents(of: index, limit: indexByteLimit)
    guard let map = try? JSONDecoder().decode(Index.self, from: Data(bytes)).weight_map else {
      throw .malformedHeader(
        file: index, byte: 0, expected: "a JSON object whose weight_map gives each tensor's file")
    }
    var opened: [String: any TensorFile] = [:]
    var files: [String: any TensorFile] = [:]
    for (tensor, name) in map.sorted(by: { $0.key < $1.key }) {
      guard name.hasSuffix(suffix), !name.utf8.contains(where: { $0 < 0x20 || $0 == 0x2F }) else {
        throw .malformedTensor(
          file: index, tensor: tensor,
          expected: "a plain name of a \(suffix) file, found \(quoted(name))")
      }
      if opened[name] == nil { opened[name] = try openShard("\(path)/\(name)", index: index) }
      // Throws for a tensor that its file does not have.
      _ = try opened[name]?.shape(of: tensor)
      files[tensor] = opened[name]
    }
    return files
  }

  private static func openShard(
    _ path: String, index: String
  ) throws(CheckpointError) -> any TensorFile {
    guard exists(path) else { throw .missing(path: path, expected: "a file that \(index) names") }
    return try open(path)
  }
}
