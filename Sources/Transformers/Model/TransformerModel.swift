/// The sizes and the structure of a transformer: all that its step's shapes depend on, and nothing
/// of a plan.
package struct TransformerModel: Sendable, Equatable {
  package var name: String
  package var architecture: Architecture
  /// Of each stack: an encoder-decoder has as many in both.
  package var layers: Int
  package var hiddenSize: Int
  package var heads: Int
  /// Fewer than `heads` where several queries share their keys and values.
  package var keyValueHeads: Int
  /// Usually hidden size / heads; T5 says it itself.
  package var headSize: Int
  package var feedForwardSize: Int
  package var vocabularySize: Int
  package var activation: Activation
  /// Whether a second product of the same width multiplies the activation.
  package var isGated: Bool
  package var residual: Residual
  package var norm: Norm
  package var normPosition: NormPosition
  package var positions: Positions
  /// Rows of the table of learned positions, buckets of the relative ones; else 0.
  package var positionRows: Int
  /// How many elements of each head are rotated; 0 without rotary positions.
  package var rotarySize: Int
  /// Segments that BERT adds an embedding for; else 0.
  package var tokenTypes: Int
  /// Whether the head multiplies with the embedding's own table.
  package var isHeadTied: Bool
  package var hasHeadBias: Bool
  /// Whether the head begins with a dense layer, an activation and a norm, as BERT's does.
  package var hasHeadTransform: Bool
  /// Whether a classifier over the first token's state stands beside the head, as in BERT.
  package var hasPooler: Bool
  package var hasAttentionBias: Bool
  package var hasFeedForwardBias: Bool

  package enum Architecture: String, Sendable, CaseIterable {
    case decoder, encoder
    case encoderDecoder = "encoder_decoder"
  }

  package enum Activation: String, Sendable, CaseIterable {
    case gelu, relu, silu
  }

  package enum Residual: String, Sendable, CaseIterable {
    /// Each branch reads what the one before it has added.
    case sequential
    /// Attention and feed-forward side by side on one norm.
    case parallel
  }

  package enum Norm: String, Sendable, CaseIterable {
    case layer
    /// By the root of the mean square, with a gain and no bias.
    case rms
  }

  package enum NormPosition: String, Sendable, CaseIterable {
    /// Before each branch, and once more before the head.
    case before
    /// After each sum.
    case after
  }

  package enum Positions: String, Sendable, CaseIterable {
    case rotary, learned, relative
  }

  package var hasCrossAttention: Bool { architecture == .encoderDecoder }
  package var hasNormBias: Bool { norm == .layer }
}

extension TransformerModel {
  /// Every trained number of the published model, no padding.
  ///
  /// Agrees with the totals of the models' own checkpoints, for example 124,439,808 (gpt2),
  /// 6,738,415,616 (Llama-2-7b) and 2,849,757,184 (t5-v1_1-xl) on Hugging Face.
  package var parameterCount: Int {
    let embedding = (vocabularySize + learnedRows + tokenTypes) * hiddenSize
    let stacks: Int
    switch architecture {
    case .decoder, .encoder: stacks = layers * blockCount(cross: false)
    case .encoderDecoder:
      stacks =
        layers * (blockCount(cross: false) + blockCount(cross: true)) + normCount
        + 2 * positionRows * heads
    }
    return embedding + stacks + headCount + (normPosition == .after ? normCount : 0)
  }

  /// What the reference's program holds and moves: its encoder-decoder has one unified block, with
  /// cross-attention of zeros in the encoder too (Graphcore examples, nlp/t5/popxl).
  package var unifiedParameterCount: Int {
    guard hasCrossAttention else { return parameterCount }
    return parameterCount + layers * (blockCount(cross: true) - blockCount(cross: false))
  }

  /// Matmul weights of one block.
  package func blockMatmulWeights(cross: Bool) -> Int {
    selfAttentionWeights + (cross ? crossAttentionWeights : 0) + feedForwardWeights
  }

  private var selfAttentionWeights: Int {
    hiddenSize * headSize * (2 * heads + 2 * keyValueHeads)
  }
  private var crossAttentionWeights: Int { 4 * hiddenSize * headSize * heads }
  private var feedForwardWeights: Int { (isGated ? 3 : 2) * hiddenSize * feedForwardSize }

  private var normCount: Int { hasNormBias ? 2 * hiddenSize : hiddenSize }

  private func blockCount(cross: Bool) -> Int {
    let norms = (residual == .parallel ? 1 : 2) + (cross ? 1 : 0)
    let attentionBias = (heads + 2 * keyValueHeads) * headSize + hiddenSize
    let feedForwardBias = (isGated ? 2 : 1) * feedForwardSize + hiddenSize
    return blockMatmulWeights(cross: cross) + norms * normCount
      + (hasAttentionBias ? attentionBias : 0) + (hasFeedForwardBias ? feedForwardBias : 0)
  }

  /// The last norm and the projection, with what BERT's has around it.
  private var headCount: Int {
    var count = normPosition == .before ? normCount : 0
    if !isHeadTied { count += vocabularySize * hiddenSize }
    if hasHeadBias { count += vocabularySize }
    if hasHeadTransform { count += hiddenSize * hiddenSize + hiddenSize + normCount }
    // The pooler's dense layer, and two classes of next sentence.
    if hasPooler { count += hiddenSize * hiddenSize + hiddenSize + 2 * hiddenSize + 2 }
    return count
  }

  private var learnedRows: Int { positions == .learned ? positionRows : 0 }

  /// Model FLOPs of one training step of `tokens`, forward and backward once, causality not
  /// exploited: 6 x matmul weights per token, and 12 x sequence x heads x head size per attention.
  ///
  /// For a decoder of the usual shape it is Megatron's 72 B s L h^2 (1 + s / 6h + V / 12 L h)
  /// (Narayanan et al. 2021). An encoder-decoder counts `tokens` in each of its stacks.
  package func modelFlops(tokens: Int, sequenceLength: Int) -> Double {
    // As doubles: the largest legal batches of the largest legal models exceed 64 bits.
    let scores = 12 * Double(sequenceLength) * Double(heads * headSize)
    var perToken = 6 * Double(vocabularySize) * Double(hiddenSize)
    if hasHeadTransform { perToken += 6 * Double(hiddenSize) * Double(hiddenSize) }
    let plain = 6 * Double(blockMatmulWeights(cross: false)) + scores
    perToken += Double(layers) * plain
    if hasCrossAttention {
      perToken += Double(layers) * (6 * Double(blockMatmulWeights(cross: true)) + 2 * scores)
    }
    return perToken * Double(tokens)
  }
}
