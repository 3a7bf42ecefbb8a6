package import Program

/// A trained tensor as one rank of a tensor-parallel group holds it.
package struct Weight: Sendable, Equatable {
  package let name: String
  /// `[out, in]` for matrices; this rank's part, padding included.
  package let shape: [Int]
  /// Whether every rank of a tensor-parallel group has all of it.
  package let isReplicated: Bool
  /// How many there are: the layers of its stack, or 1.
  package let layers: Int
  package let isPerLayer: Bool

  package var count: Int { shape.reduce(1, *) }

  /// Whose ranks each hold a part of a rank's copy in streaming memory (replicated tensor sharding).
  package var shardingGroup: ProcessGroup { isReplicated ? .all : .data }

  /// Axes over which the values on the tiles differ.
  package var differsOver: AxisSet { isReplicated ? [] : .tensor }
}

/// What a weight is for; a model has those that its structure asks for.
package enum Role: String, Sendable, CaseIterable {
  case normGain = "norm.gain"
  case normBias = "norm.bias"
  case qkv = "attention.qkv.weight"
  case qkvBias = "attention.qkv.bias"
  case attentionOutput = "attention.output.weight"
  case attentionOutputBias = "attention.output.bias"
  case crossNormGain = "cross_attention.norm.gain"
  case crossNormBias = "cross_attention.norm.bias"
  case crossQuery = "cross_attention.query.weight"
  case crossKeyValue = "cross_attention.key_value.weight"
  case crossOutput = "cross_attention.output.weight"
  case feedForwardNormGain = "feed_forward.norm.gain"
  case feedForwardNormBias = "feed_forward.norm.bias"
  case feedForwardIn = "feed_forward.in.weight"
  case feedForwardInBias = "feed_forward.in.bias"
  case feedForwardOut = "feed_forward.out.weight"
  case feedForwardOutBias = "feed_forward.out.bias"
  case word = "word.weight"
  case position = "position.weight"
  case tokenType = "token_type.weight"
  case relativeBias = "relative_bias.weight"
  case embeddingNormGain = "embedding_norm.gain"
  case embeddingNormBias = "embedding_norm.bias"
  case transform = "transform.weight"
  case transformBias = "transform.bias"
  case transformNormGain = "transform.norm.gain"
  case transformNormBias = "transform.norm.bias"
  case projection = "weight"
  case projectionBias = "bias"
}

/// Some of a model's tensors by what they are for, in the order of their use.
package struct Weights<Value> {
  private(set) var values: [Role: Value] = [:]

  package init() {}

  package subscript(role: Role) -> Value? {
    get { values[role] }
    set { values[role] = newValue }
  }

  /// The value of a role that the model's structure is known to have.
  func required(_ role: Role) -> Value {
    guard let value = values[role] else { preconditionFailure("no \(role.rawValue) here") }
    return value
  }

  package var all: [Value] { Role.allCases.compactMap { values[$0] } }

  package func map<Other>(_ transform: (Value) -> Other) -> Weights<Other> {
    var result = Weights<Other>()
    for role in Role.allCases { result[role] = values[role].map(transform) }
    return result
  }

  /// Those of two sets together.
  func merging(_ other: Weights) -> Weights {
    var result = self
    result.values.merge(other.values) { _, new in new }
    return result
  }
}
