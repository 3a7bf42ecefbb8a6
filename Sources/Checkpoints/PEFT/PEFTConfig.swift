import FoundationEssentials
import NearestName

/// What `adapter_config.json` of a LoRA adapter for a GPT-J says (peft, `LoraConfig`).
package struct PEFTConfig: Equatable, Sendable {
  package var rank: Int
  /// B A is scaled by alpha / rank; where the file asks for rank-stabilised scaling, alpha here is
  /// the one that gives it.
  package var alpha: Double
  /// Linear layers of every block, in the order of the model.
  package var targets: [String]

  package init(rank: Int, alpha: Double, targets: [String]) {
    self.rank = rank
    self.alpha = alpha
    self.targets = targets
  }

  /// The layers that may have adapters, with the module that each is in.
  static let modules: [(target: String, module: String)] = [
    ("q_proj", "attn"), ("k_proj", "attn"), ("v_proj", "attn"), ("out_proj", "attn"),
    ("fc_in", "mlp"), ("fc_out", "mlp"),
  ]

  /// Reads an `adapter_config.json` of peft 0.3 to 0.21.
  ///
  /// - Throws: `CheckpointError` naming the key for another method than LoRA, for a variant that is
  ///   not followed here (DoRA, ranks by pattern, trained biases or modules), whatever its name, and
  ///   for layers that a GPT-J does not have.
  package init(path: String) throws(CheckpointError) {
    let bytes = try FileDescriptor.contents(of: path, limit: Self.byteLimit)
    guard let keys = try? JSONDecoder().decode([String: JSONValue].self, from: Data(bytes)) else {
      throw .malformedHeader(
        file: path, byte: 0, expected: "a JSON object of an adapter's settings")
    }
    try self.init(PEFTKeys(values: keys, file: path))
  }

  /// Names of every linear layer of 10,000 layers fit; what is larger is another file.
  private static let byteLimit = 1 << 22

  /// Keys that say nothing about the arithmetic, or only how the weights were drawn.
  private static let passedOver: Set<String> = [
    "auto_mapping", "base_model_name_or_path", "ensure_weight_tying", "inference_mode",
    "lora_dropout", "megatron_core", "peft_version", "qalora_group_size", "revision",
    "runtime_config",
  ]
  private static let read: Set<String> = [
    "bias", "init_lora_weights", "lora_alpha", "peft_type", "r", "target_modules", "task_type",
    "use_rslora",
  ]

  private init(_ keys: PEFTKeys) throws(CheckpointError) {
    try keys.require("peft_type", is: [.string("LORA")])
    try keys.require("task_type", is: [.string("CAUSAL_LM"), .null])
    try keys.require("bias", is: [.string("none"), .null])
    // The other ways of drawing them change the base model's weights too.
    try keys.require(
      "init_lora_weights",
      is: [.bool(true), .bool(false), .string("gaussian"), .string("orthogonal"), .null])
    try keys.require("use_rslora", is: [.bool(false), .bool(true), .null])
    for key in keys.values.keys.sorted()
    where !Self.read.contains(key) && !Self.passedOver.contains(key) {
      guard keys[key].isOff else {
        throw keys.error(key, expected: "null or false: only plain LoRA is followed")
      }
    }
    rank = Int(try keys.number("r", in: 1...65_536, isWhole: true))
    let alpha = try keys.number("lora_alpha", in: 1e-6...1e6, isWhole: false)
    let isStabilised = keys["use_rslora"] == .bool(true)
    self.alpha = isStabilised ? alpha * Double(rank).squareRoot() : alpha
    targets = try Self.targets(keys)
  }

  /// Names of layers, or paths that end in one; which blocks they mean shows in the tensors.
  private static func targets(_ keys: PEFTKeys) throws(CheckpointError) -> [String] {
    let names = modules.map(\.target)
    let key = "target_modules"
    if keys[key] == .string("all-linear") { return names }
    guard case .array(let entries) = keys[key], !entries.isEmpty else {
      throw keys.error(
        key, expected: "a list of \(names.joined(separator: ", ")); patterns are not followed")
    }
    var found: Set<String> = []
    for entry in entries {
      guard case .string(let path) = entry, let target = self.target(ofPath: path) else {
        let word = if case .string(let text) = entry { text } else { "" }
        let meant = nearest(word, in: names).map { ", did you mean \"\($0)\"?" } ?? ""
        throw keys.error(
          key, found: entry.description,
          expected: "layers out of \(names.joined(separator: ", "))\(meant)")
      }
      found.insert(target)
    }
    return names.filter(found.contains)
  }

  /// `q_proj` of `q_proj`, `attn.q_proj` or `transformer.h.0.attn.q_proj`.
  private static func target(ofPath path: String) -> String? {
    let parts = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard let (target, module) = modules.first(where: { $0.target == parts.last }) else {
      return nil
    }
    let layer = parts.count > 2 ? parts[parts.count - 3] : "0"
    let whole = ["transformer", "h", layer, module, target]
    let isSuffix = whole.count >= parts.count && Array(whole.suffix(parts.count)) == parts
    return isSuffix && Int(layer) != nil ? target : nil
  }

  /// The text of an `adapter_config.json`: only what every version of peft reads, since extra keys
  /// of a new one break an old one.
  ///
  /// `base` names the model that the adapter was trained on, if it has a name.
  func json(base: String?) -> String {
    let names = targets.map { "\"\($0)\"" }.joined(separator: ", ")
    let whole = Int(exactly: alpha).map(String.init) ?? "\(alpha)"
    return """
      {
        "base_model_name_or_path": \(base.map(quotedJSON) ?? "null"),
        "bias": "none",
        "fan_in_fan_out": false,
        "inference_mode": true,
        "lora_alpha": \(whole),
        "lora_dropout": 0.0,
        "peft_type": "LORA",
        "r": \(rank),
        "target_modules": [\(names)],
        "task_type": "CAUSAL_LM"
      }

      """
  }
}

/// A file's keys, for messages that name them.
private struct PEFTKeys {
  let values: [String: JSONValue]
  let file: String

  subscript(key: String) -> JSONValue { values[key] ?? .null }

  func require(_ key: String, is allowed: [JSONValue]) throws(CheckpointError) {
    guard allowed.contains(self[key]) else {
      throw error(key, expected: allowed.map(\.description).joined(separator: " or "))
    }
  }

  func number(
    _ key: String, in range: ClosedRange<Double>, isWhole: Bool
  ) throws(CheckpointError) -> Double {
    guard case .number(let value) = self[key], range.contains(value),
      !isWhole || value == value.rounded()
    else {
      throw error(
        key,
        expected: isWhole
          ? "a whole number from \(Int(range.lowerBound)) to \(Int(range.upperBound))"
          : "a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  func error(_ key: String, found: String? = nil, expected: String) -> CheckpointError {
    .configuration(
      file: file, key: key, found: found ?? self[key].description, expected: expected)
  }
}
