import FoundationEssentials
import Testing

@testable import Checkpoints

@Suite struct HuggingFaceDirectoryTests {
  private let config = GPTJConfig(
    layers: 1, hidden: 6, heads: 2, positions: 9, rotary: 2, vocabulary: 5)

  private var tensors: [(name: String, shape: [Int], values: [Float])] {
    HuggingFaceGPTJ.tensors(layers: 1, hidden: 6, inner: 24, vocabulary: 5).enumerated().map {
      let count = $1.shape.reduce(1, *)
      return ($1.name, $1.shape, (0..<count).map { Float($0) * 0.5 - 3 })
    }
  }

  /// Gives `body` the path of a written directory.
  private func withDirectory(_ body: (_ path: String) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let path = folder + "/model"
      try HuggingFaceDirectory.write(config, tensors, endOfText: 4, to: path) { _ in }
      try body(path)
    }
  }

  private func withTemporaryFolder(_ body: (_ path: String) throws -> Void) throws {
    let folder =
      FileManager.default.temporaryDirectory.path() + "/hf-\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }

  private func write(_ text: String, _ path: String) throws {
    try Data(text.utf8).write(to: URL(filePath: path))
  }

  @Test func `What is written is read back, bit for bit`() throws {
    try withDirectory { path in
      let read = try HuggingFaceDirectory(path: path)
      #expect(read.config == config)
      for tensor in tensors { #expect(try read.floats(of: tensor.name) == tensor.values) }
    }
  }

  @Test func `Nothing is written over, and nothing stays when a part fails`() throws {
    try withDirectory { path in
      #expect(throws: CheckpointError.self) {
        try HuggingFaceDirectory.write(config, tensors, endOfText: 4, to: path) { _ in }
      }
      let other = path + "2"
      #expect(throws: CancellationError.self) {
        try HuggingFaceDirectory.write(config, tensors, endOfText: 4, to: other) { _ in
          throw CancellationError()
        }
      }
      let folder = String(path.dropLast("/model".count))
      let entries = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(entries == ["model"])
    }
  }

  @Test func `Shards are found by their index`() throws {
    try withDirectory { path in
      let single = path + "/model.safetensors"
      try FileManager.default.removeItem(atPath: single)
      try SafetensorsWriter.write(Array(tensors.prefix(5)), to: path + "/a.safetensors")
      try SafetensorsWriter.write(Array(tensors.dropFirst(5)), to: path + "/b.safetensors")
      let map = tensors.enumerated().map { "\"\($1.name)\": \"\($0 < 5 ? "a" : "b").safetensors\"" }
      let index = single + ".index.json"
      try write(
        #"{"metadata": {"total_size": 1}, "weight_map": {\#(map.joined(separator: ","))}}"#, index)
      let read = try HuggingFaceDirectory(path: path)
      for tensor in tensors { #expect(try read.floats(of: tensor.name) == tensor.values) }
      try write(#"{"weight_map": {"lm_head.bias": "../b.safetensors"}}"#, index)
      #expect { try HuggingFaceDirectory(path: path) } throws: { "\($0)".contains("plain name") }
      try write(#"{"weight_map": {"lm_head.bias": "a.safetensors"}}"#, index)
      #expect { try HuggingFaceDirectory(path: path) } throws: { "\($0)".contains("no tensor") }
      try write(#"{"weight_map": {"lm_head.bias": 3}}"#, index)
      #expect { try HuggingFaceDirectory(path: path) } throws: { "\($0)".contains("weight_map") }
    }
  }

  @Test(arguments: [
    (#""model_type": "gpt2""#, "model_type is \"gpt2\", expected \"gptj\""),
    (#""model_type": "gptj", "n_layer": 2"#, "no tensor \"transformer.h.1.ln_1.weight\""),
    (#""model_type": "gptj", "n_layer": "1""#, "n_layer is another type"),
    (#""model_type": "gptj", "n_layer": -1"#, "n_layer is -1, expected from 1"),
    (#""model_type": "gptj", "n_embd": 9223372036854775807"#, "n_embd is"),
    (#""model_type": "gptj", "rotary_dim": 5"#, "rotary_dim is 5"),
    (#""model_type": "gptj", "rotary_dim": null"#, "rotary_dim is null"),
    (#""model_type": "gptj", "n_inner": 12"#, "n_inner is 12, expected null or 24"),
    (#""model_type": "gptj", "tie_word_embeddings": true"#, "tie_word_embeddings is true"),
    (#""model_type": "gptj", "activation_function": "gelu""#, "activation_function"),
    (#""model_type": "gptj", "layer_norm_epsilon": 1e-6"#, "layer_norm_epsilon"),
    (#""model_type": "gptj", "vocab_size": 6"#, "shape [6, 6] by config.json, found [5, 6]"),
    ("", "JSON object"),
  ])
  func wrongConfigurations(_ keys: String, _ message: String) throws {
    try withDirectory { path in
      let rest = [
        "n_layer": "1", "n_embd": "6", "n_head": "2", "n_positions": "9", "rotary_dim": "2",
        "vocab_size": "5",
      ].filter { !keys.contains("\"\($0.key)\"") }.map { "\"\($0.key)\": \($0.value)" }
      let text = keys.isEmpty ? "[" : "{\(([keys] + rest).joined(separator: ", "))}"
      try write(text, path + "/config.json")
      #expect { try HuggingFaceDirectory(path: path) } throws: {
        "\($0)".contains(message)
      }
    }
  }

  @Test func `Older spellings, and the legacy buffers, are read`() throws {
    try withDirectory { path in
      try write(
        #"{"model_type": "gptj", "num_hidden_layers": 1, "hidden_size": 6, "#
          + #""num_attention_heads": 2, "max_position_embeddings": 9, "rotary_dim": 2, "#
          + #""vocab_size": 5, "n_inner": null, "torch_dtype": "float16"}"#, path + "/config.json")
      try FileManager.default.removeItem(atPath: path + "/model.safetensors")
      let buffers = [
        (name: "transformer.h.0.attn.masked_bias", shape: [Int](), values: [Float(-1e9)])
      ]
      try SafetensorsWriter.write(tensors + buffers, to: path + "/model.safetensors")
      #expect(try HuggingFaceDirectory(path: path).config == config)
      try FileManager.default.removeItem(atPath: path + "/model.safetensors")
      let foreign = [(name: "transformer.h.0.attn.c_attn", shape: [1], values: [Float(1)])]
      try SafetensorsWriter.write(tensors + foreign, to: path + "/model.safetensors")
      #expect { try HuggingFaceDirectory(path: path) } throws: { "\($0)".contains("c_attn") }
    }
  }

  @Test func `Weights that are not finite are refused by name`() throws {
    try withDirectory { path in
      try FileManager.default.removeItem(atPath: path + "/model.safetensors")
      var bad = tensors
      bad[3].values[2] = .nan
      try SafetensorsWriter.write(bad, to: path + "/model.safetensors")
      let read = try HuggingFaceDirectory(path: path)
      #expect { try read.floats(of: bad[3].name) } throws: {
        "\($0)".contains(bad[3].name) && "\($0)".contains("element 2")
      }
    }
  }

  @Test func `What is not there is said`() throws {
    try withTemporaryFolder { folder in
      #expect(throws: CheckpointError.self) { try HuggingFaceDirectory(path: folder) }
      try write(config.json(endOfText: 4), folder + "/config.json")
      #expect { try HuggingFaceDirectory(path: folder) } throws: {
        "\($0)".contains("model.safetensors") && "\($0)".contains("pytorch_model.bin")
      }
    }
  }
}
