import Glibc
import Testing

@testable import Checkpoints

/// Which files of a directory are read, and which are refused.
@Suite struct HuggingFaceFilesTests {
  let folder: TemporaryFolder
  private let tensors = HuggingFaceGPTJ.tensors(layers: 1, hidden: 6, inner: 24, vocabulary: 5)

  init() throws {
    folder = try TemporaryFolder()
    let config = GPTJConfig(
      layers: 1, hidden: 6, heads: 2, positions: 9, rotary: 2, vocabulary: 5)
    try write("config.json", config.json(endOfText: 4))
  }

  private func write(_ name: String, _ text: String) throws {
    _ = try folder.file(name, holding: Array(text.utf8))
  }

  private func value(_ tensor: Int, _ element: Int) -> Float {
    Float(100 * tensor + element % 50)
  }

  /// A .bin file of some tensors; every matrix is a transposed view, as the converter stores it.
  private func writeBin(_ name: String, _ range: Range<Int>, legacy: Bool = false) throws {
    let stored = range.map { index in
      let shape = tensors[index].shape
      return TorchTensor(
        name: tensors[index].name, key: "\(index)", count: shape.reduce(1, *), shape: shape,
        strides: shape.count == 2 ? [1, shape[0]] : [1])
    }
    let storages = stored.enumerated().map { index, tensor in
      let places = 0..<tensor.count
      let bytes = places.flatMap {
        littleEndian(value(range.lowerBound + index, $0).bitPattern)
      }
      return (key: tensor.key, count: tensor.count, bytes: bytes)
    }
    let pickle = statePickle(stored, legacy: legacy)
    let bytes =
      legacy ? torchLegacy(pickle, storages) : torchZip(pickle, storages.map { ($0.key, $0.bytes) })
    _ = try folder.file(name, holding: bytes)
  }

  private func writeIndex(_ name: String, _ map: [(tensor: String, file: String)]) throws {
    let items = map.map { "\"\($0.tensor)\": \"\($0.file)\"" }.joined(separator: ", ")
    try write(name, #"{"metadata": {"total_size": 1}, "weight_map": {\#(items)}}"#)
  }

  private func expectTensors() throws {
    let directory = try HuggingFaceDirectory(path: folder.path)
    for (index, tensor) in tensors.enumerated() {
      let rows = tensor.shape[0]
      let columns = tensor.shape.count == 2 ? tensor.shape[1] : 1
      let expected = (0..<rows * columns).map {
        value(index, $0 / columns + $0 % columns * rows)
      }
      #expect(try directory.floats(of: tensor.name) == expected, "\(tensor.name)")
    }
  }

  /// The message, which must name the directory.
  private func message() throws -> String {
    let error = #expect(throws: CheckpointError.self) {
      try HuggingFaceDirectory(path: folder.path)
    }
    #expect(error?.description.contains(folder.path) == true)
    return error?.description ?? ""
  }

  @Test(arguments: [true, false])
  func `One .bin file is read`(legacy: Bool) throws {
    try writeBin("pytorch_model.bin", 0..<tensors.count, legacy: legacy)
    try expectTensors()
  }

  @Test func `Many .bin files are found by their index, by links too`() throws {
    try writeBin("blob", 0..<4)
    symlink(folder.file("blob"), folder.file("pytorch_model-00001-of-00002.bin"))
    try writeBin("pytorch_model-00002-of-00002.bin", 4..<tensors.count)
    let map = tensors.enumerated().map {
      (tensor: $1.name, file: "pytorch_model-0000\($0 < 4 ? 1 : 2)-of-00002.bin")
    }
    try writeIndex("pytorch_model.bin.index.json", map)
    try expectTensors()
    unlink(folder.file("pytorch_model-00002-of-00002.bin"))
    let missing = try message()
    #expect(missing.contains("00002-of-00002.bin: not found") && missing.contains("index.json"))
    try writeIndex("pytorch_model.bin.index.json", map.map { ($0.tensor, map[0].file) })
    #expect(try message().contains("no tensor"))
  }

  @Test func `Safetensors come before .bin`() throws {
    try writeBin("blob", 0..<tensors.count)
    try write("pytorch_model.bin", "damaged")
    try SafetensorsWriter.write(
      tensors.map { ($0.name, $0.shape, [Float](repeating: 7, count: $0.shape.reduce(1, *))) },
      to: folder.file("model.safetensors"))
    let directory = try HuggingFaceDirectory(path: folder.path)
    #expect(try directory.floats(of: "transformer.ln_f.bias") == .init(repeating: 7, count: 6))
  }

  @Test(arguments: [
    "../blob.bin", "/etc/blob.bin", "a/blob.bin", "blob", "blob.safetensors", "", "a\\u0000.bin",
  ])
  func `Only plain names of .bin files are followed`(name: String) throws {
    try writeBin("blob.bin", 0..<tensors.count)
    try writeIndex("pytorch_model.bin.index.json", [("lm_head.bias", name)])
    let refused = try message()
    #expect(refused.contains("\"lm_head.bias\"") && refused.contains("a plain name of a .bin"))
  }

  @Test(arguments: [
    ("flax_model.msgpack", "from_flax=True"), ("tf_model.h5", "from_tf=True"),
    ("tf_model.h5.index.json", "from_tf=True"), ("rust_model.ot", "pytorch_model.bin"),
  ])
  func `Other formats are refused with what to do`(file: String, advice: String) throws {
    try write(file, "")
    let refused = try message()
    #expect(refused.contains("is not read") && refused.contains(advice))
    guard
      case .missing? = #expect(
        throws: CheckpointError.self,
        performing: {
          try HuggingFaceDirectory(path: folder.path)
        })
    else {
      Issue.record("not reported as missing")
      return
    }
  }

  @Test(arguments: [
    ("h.0.attn.c_attn.weight", "GPT-2"), ("transformer.h.0.attn.c_attn.weight", "GPT-2"),
    ("gpt_neox.layers.0.attention.dense.weight", "GPT-NeoX"),
    ("transformer.h.0.attn.attention.k_proj.weight", "GPT-Neo"),
    ("module.transformer.wte.weight", "a parallel wrapper"),
    ("base_model.model.transformer.h.0.attn.q_proj.lora_A.weight", "an adapter"),
    ("score.weight", "a classifier"), ("wte.weight", "GPTJModel, which has no head"),
  ])
  func `Other models and wrappers are refused by name`(tensor: String, layout: String) throws {
    try SafetensorsWriter.write([(tensor, [1], [1])], to: folder.file("model.safetensors"))
    let refused = try message()
    #expect(refused.contains("\"\(tensor)\"") && refused.contains(layout))
  }

  @Test(arguments: ["lm_head.bias", "lm_head.weight", "transformer.h.0.mlp.fc_in.bias"])
  func `A tensor that is not there is named`(tensor: String) throws {
    try SafetensorsWriter.write(
      tensors.filter { $0.name != tensor }.map {
        ($0.name, $0.shape, [Float](repeating: 7, count: $0.shape.reduce(1, *)))
      }, to: folder.file("model.safetensors"))
    #expect(try message().contains("no tensor \"\(tensor)\""))
  }

  @Test(arguments: ["config.json", "model.safetensors.index.json", "pytorch_model.bin.index.json"])
  func `Deep or endless JSON is refused`(file: String) throws {
    for unit in ["[", "{\"weight_map\":", "{\"model_type\":", "\"", "1", " "] {
      try write(file, String(repeating: unit, count: 1_000_000 / unit.utf8.count))
      #expect(try message().contains(file))
      try write(file, #"{"weight_map": "# + String(repeating: unit, count: 900_000 / unit.count))
      #expect(try message().contains(file))
    }
    truncate(folder.file(file), 1 << 40)
    #expect(try message().contains("expected at most"))
  }
}
