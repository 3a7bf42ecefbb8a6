import FoundationEssentials
import Testing

@testable import Checkpoints

@Suite struct PEFTAdapterTests {
  /// As peft 0.21.2 writes it.
  static let written = #"""
    {
      "alora_invocation_tokens": null, "alpha_pattern": {}, "arrow_config": null,
      "auto_mapping": null, "base_model_name_or_path": "base", "bias": "none",
      "corda_config": null, "ensure_weight_tying": false, "eva_config": null,
      "exclude_modules": null, "fan_in_fan_out": false, "inference_mode": true,
      "init_lora_weights": true, "kasa_config": null, "layer_replication": null,
      "layers_pattern": null, "layers_to_transform": null, "loftq_config": {}, "lora_alpha": 12,
      "lora_bias": false, "lora_dropout": 0.0, "lora_ga_config": null, "megatron_config": null,
      "megatron_core": "megatron.core", "modules_to_save": null, "monteclora_config": null,
      "peft_type": "LORA", "peft_version": "0.21.2", "qalora_group_size": 16, "r": 4,
      "rank_pattern": {}, "revision": null, "target_modules": ["v_proj", "q_proj"],
      "target_parameters": null, "task_type": "CAUSAL_LM", "trainable_token_indices": null,
      "use_bdlora": null, "use_dora": false, "use_qalora": false, "use_rslora": false,
      "velora_config": null
    }
    """#
  static let model = GPTJConfig(
    layers: 2, hidden: 6, heads: 2, positions: 9, rotary: 2, vocabulary: 5)
  static let config = PEFTConfig(rank: 3, alpha: 4.5, targets: ["q_proj", "fc_in"])

  static var tensors: [(name: String, shape: [Int], values: [Float])] {
    (0..<2).flatMap { layer in
      [("attn.q_proj", 6, 6), ("mlp.fc_in", 6, 24)].flatMap { name, inputs, outputs in
        [("lora_A", [3, inputs]), ("lora_B", [outputs, 3])].map { matrix, shape in
          let count = shape[0] * shape[1]
          return (
            "transformer.h.\(layer).\(name).\(matrix).weight", shape,
            (0..<count).map { Float($0) * 0.25 - Float(layer) }
          )
        }
      }
    }
  }

  private static func write(
    _ config: PEFTConfig, _ tensors: [(name: String, shape: [Int], values: [Float])],
    base: String?, to path: String
  ) throws {
    let shapes = tensors.map { TensorShape(name: $0.name, shape: $0.shape) }
    try PEFTAdapter.write(config, shapes, base: base, to: path) { name in
      tensors.first { $0.name == name }?.values ?? []
    }
  }

  private func read(_ text: String) throws -> PEFTConfig {
    let folder = try TemporaryFolder()
    return try PEFTConfig(path: folder.file("adapter_config.json", holding: Array(text.utf8)))
  }

  private func changed(_ key: String, _ value: String) -> String {
    let pattern = "\"\(key)\": "
    guard let start = Self.written.firstRange(of: pattern) else {
      return "{\(pattern)\(value), " + Self.written.dropFirst()
    }
    var depth = 0
    let rest = Self.written[start.upperBound...]
    let end =
      rest.firstIndex { character in
        if "[{".contains(character) { depth += 1 }
        if "]}".contains(character) { depth -= 1 }
        return depth < 0 || depth == 0 && character == ","
      } ?? rest.endIndex
    return Self.written[..<start.upperBound] + value + rest[end...]
  }

  @Test func `What peft writes is read, the targets in the order of the model`() throws {
    let config = try read(Self.written)
    #expect(config == PEFTConfig(rank: 4, alpha: 12, targets: ["q_proj", "v_proj"]))
    let minimal = #"{"peft_type": "LORA", "r": 1, "lora_alpha": 2.5, "target_modules": ["fc_in"]}"#
    #expect(try read(minimal) == PEFTConfig(rank: 1, alpha: 2.5, targets: ["fc_in"]))
  }

  @Test(arguments: [
    (#""all-linear""#, ["q_proj", "k_proj", "v_proj", "out_proj", "fc_in", "fc_out"]),
    (#"["mlp.fc_out", "attn.k_proj"]"#, ["k_proj", "fc_out"]),
    (#"["transformer.h.1.attn.q_proj", "transformer.h.0.attn.q_proj"]"#, ["q_proj"]),
    (#"["h.0.mlp.fc_in"]"#, ["fc_in"]),
  ])
  func `Targets may be paths`(list: String, targets: [String]) throws {
    #expect(try read(changed("target_modules", list)).targets == targets)
  }

  @Test func `Rank-stabilised scaling is alpha over the root of the rank`() throws {
    let config = try read(changed("use_rslora", "true"))
    #expect(config.alpha / Double(config.rank) == 12 / 2)
  }

  @Test(arguments: [
    ("peft_type", #""IA3""#, "\"LORA\""), ("task_type", #""SEQ_CLS""#, "\"CAUSAL_LM\""),
    ("bias", #""lora_only""#, "\"none\""), ("use_dora", "true", "plain LoRA"),
    ("init_lora_weights", #""pissa""#, "true or false"),
    ("rank_pattern", #"{"q_proj": 8}"#, "plain LoRA"), ("alpha_pattern", #"{"k": 8}"#, "plain"),
    ("modules_to_save", #"["lm_head"]"#, "plain"), ("layers_to_transform", "[0]", "plain"),
    ("fan_in_fan_out", "true", "plain"), ("a_key_of_the_future", "3", "plain LoRA"),
    ("r", "0", "from 1 to 65536"), ("r", "1e300", "from 1"), ("r", "2.5", "whole"),
    ("r", #""4""#, "whole"), ("r", "null", "whole"), ("lora_alpha", "0", "from 1e-06"),
    ("lora_alpha", "null", "a number"), ("use_rslora", "1", "false or true"),
    ("target_modules", #""q_proj|v_proj""#, "patterns"), ("target_modules", "[]", "a list of"),
    ("target_modules", #"["q_prj"]"#, "did you mean \"q_proj\"?"),
    ("target_modules", #"["lm_head"]"#, "layers out of q_proj"),
    ("target_modules", #"["mlp.q_proj"]"#, "layers out of"), ("target_modules", "[1]", "layers"),
    ("target_modules", #"["x.h.1.attn.q_proj"]"#, "layers out of"),
    ("target_modules", #"["."]"#, "layers out of"),
  ])
  func `What is not followed is refused by its key`(
    key: String, value: String, expected: String
  ) throws {
    let error = #expect(throws: CheckpointError.self) { try read(changed(key, value)) }
    let message = "\(try #require(error))"
    #expect(message.contains("adapter_config.json: \(key) is ") && message.contains(expected))
  }

  @Test(arguments: ["", "[]", "{", "3", String(repeating: "[", count: 100_000), "{\"r\": 1e999}"])
  func `A file that is no object of settings is refused`(text: String) throws {
    #expect(throws: CheckpointError.self) { try read(text) }
  }

  @Test func `What is written is read back, bit for bit, under peft's names`() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("adapter")
    try Self.write(Self.config, Self.tensors, base: "a \"b\"", to: path)
    let adapter = try PEFTAdapter(path: path)
    #expect(adapter.config == Self.config)
    try adapter.check(Self.model)
    for tensor in Self.tensors { #expect(try adapter.floats(of: tensor.name) == tensor.values) }
    let file = try SafetensorsFile(path: path + "/adapter_model.safetensors")
    #expect(file.names.contains("base_model.model.transformer.h.1.mlp.fc_in.lora_B.weight"))
    #expect(file.names.count == 8 && file.metadata == ["format": "pt"])
    #expect(throws: CheckpointError.self) {
      try Self.write(Self.config, Self.tensors, base: nil, to: path)
    }
    #expect(try folder.names == ["adapter"])
  }

  @Test func `A missing file is named, and a pickle is not read`() throws {
    let folder = try TemporaryFolder()
    func message(_ path: String) throws -> String {
      let error = #expect(throws: CheckpointError.self) { try PEFTAdapter(path: path) }
      return "\(try #require(error))"
    }
    #expect(try message(folder.file("none")).contains("adapter_config.json"))
    _ = try folder.file("adapter_config.json", holding: Array(Self.written.utf8))
    #expect(try message(folder.path).contains("adapter_model.safetensors in it"))
    _ = try folder.file("adapter_model.bin", holding: [1])
    #expect(try message(folder.path).contains("adapter_model.bin is not read"))
  }

  @Test func `A tensor that is missing, too much, of another shape or not finite is named`() throws
  {
    let folder = try TemporaryFolder()
    typealias Tensors = [(name: String, shape: [Int], values: [Float])]
    let first = "transformer.h.0.attn.q_proj"
    let cases: [(String, (inout Tensors) -> Void)] = [
      ("no tensor \"base_model.model.\(first).lora_A.weight\"", { $0.removeFirst() }),
      (
        "transformer.h.1.mlp.fc_in.lora_B.weight",
        { $0[7] = ($0[7].name, [3, 24], $0[7].values) }
      ),
      (
        "\(first).lora_magnitude_vector",
        { $0.append(("\(first).lora_magnitude_vector", [1], [0])) }
      ),
    ]
    for (number, (word, change)) in cases.enumerated() {
      var tensors = Self.tensors
      change(&tensors)
      let path = folder.file("\(number)")
      try Self.write(Self.config, tensors, base: nil, to: path)
      let adapter = try PEFTAdapter(path: path)
      #expect { try adapter.check(Self.model) } throws: { "\($0)".contains(word) }
    }
    var tensors = Self.tensors
    tensors[2].values[4] = .nan
    let error = #expect(throws: CheckpointError.self) {
      try Self.write(Self.config, tensors, base: nil, to: folder.file("nan"))
    }
    #expect("\(try #require(error))".contains("finite numbers, found nan at element 4"))
    #expect(try folder.names == ["0", "1", "2"])
  }
}
