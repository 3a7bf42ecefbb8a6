/// Low-rank adapters to train instead of the weights; key `lora`.
package struct LoRAConfiguration: Sendable, Equatable {
  /// A linear layer of a block, under Hugging Face's name, in the order of the model.
  package enum Target: String, Sendable, CaseIterable {
    case query = "q_proj"
    case key = "k_proj"
    case value = "v_proj"
    case output = "out_proj"
    case feedForwardIn = "fc_in"
    case feedForwardOut = "fc_out"
  }

  /// How the frozen matrices rest in streaming memory.
  package enum FrozenPrecision: String, Sendable, CaseIterable {
    /// In the model's precision.
    case same
    /// In half of float32's bytes; they are widened when they are loaded.
    case bfloat16
  }

  /// Columns of B and rows of A; 0 trains the weights themselves.
  package var rank = 0
  /// B A is scaled by alpha / rank; peft's default (LoraConfig).
  package var alpha = 8.0
  /// In the order of the model, each once; peft's default for GPT-J.
  package var targets: [Target] = [.query, .value]
  /// Only 0 is followed.
  package var dropout = 0.0
  /// Of the initial A; B starts at zero.
  package var seed = 42
  package var frozenPrecision = FrozenPrecision.same

  package var isOn: Bool { rank > 0 }

  package init() {}

  init(_ section: MappingReader) throws(ConfigurationError) {
    var section = section
    rank = try section.int("rank", default: rank, in: 0...65_536)
    alpha = try section.double("alpha", default: alpha, in: 1e-6...1e6)
    targets = try section.choices("targets", default: targets)
    dropout = try section.double("dropout", default: dropout, in: 0...1)
    guard dropout == 0 else {
      throw ConfigurationError(
        .badValue, at: section.place(of: "dropout"), "lora.dropout is \(dropout)",
        expected: "0: adapters are trained without dropout")
    }
    seed = try section.int("seed", default: seed, in: 0...4_294_967_295)
    frozenPrecision = try section.choice("frozen_precision", default: frozenPrecision)
    try section.finish()
  }

  var yaml: YAMLNode {
    YAMLNode([
      ("rank", YAMLNode(rank)),
      ("alpha", YAMLNode(alpha)),
      ("targets", YAMLNode(targets.map(\.rawValue))),
      ("dropout", YAMLNode(dropout)),
      ("seed", YAMLNode(seed)),
      ("frozen_precision", YAMLNode(frozenPrecision.rawValue)),
    ])
  }
}

extension LoRAConfiguration {
  /// The settings of a flag's list, such as `rank=16,alpha=32,targets=q_proj,v_proj`.
  ///
  /// What stands between two commas without a `=` is one more target; `+` joins targets too. Whether
  /// keys and values exist is left to the decoder, which names `flag`.
  ///
  /// - Throws: `ConfigurationError` for a list that does not start with `key=value`.
  package static func overrides(
    _ list: String, flag: String = "--lora"
  ) throws(ConfigurationError) -> [ConfigurationOverride] {
    var settings: [(key: String, values: [Substring])] = []
    for part in list.split(separator: ",", omittingEmptySubsequences: false) {
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if pair.count == 2, !pair[0].isEmpty {
        settings.append((String(pair[0]), [pair[1]]))
      } else if settings.last?.key == "targets", pair.count == 1 {
        settings[settings.count - 1].values.append(part)
      } else {
        throw ConfigurationError(
          .syntax, at: Place("\(flag) \(list)"), "\(shown(String(part))) is no setting",
          expected: "a list such as rank=16,alpha=32,targets=q_proj,v_proj")
      }
    }
    return settings.map { key, values in
      let targets = values.flatMap { $0.split(separator: "+", omittingEmptySubsequences: false) }
      return ConfigurationOverride(
        path: "lora.\(key)",
        value: key == "targets" ? "[\(targets.joined(separator: ", "))]" : String(values[0]),
        origin: "\(flag) \(list)")
    }
  }
}
