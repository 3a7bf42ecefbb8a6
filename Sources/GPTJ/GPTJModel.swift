/// The sizes of a GPT-J: everything that its step's shapes depend on, and nothing of a plan.
package struct GPTJModel: Sendable, Equatable {
  package var layers: Int
  package var hiddenSize: Int
  package var heads: Int
  /// Width of the feed-forward layer; GPT-J has 4 x hidden size.
  package var feedForwardSize: Int
  package var vocabularySize: Int
  /// Tokens of one sequence.
  package var sequenceLength: Int
  /// How many elements of each head are rotated.
  package var rotarySize: Int
  package var rotaryBase: Double
  /// Hugging Face `layer_norm_epsilon` of GPT-J's configuration.
  package var layerNormEpsilon = 1e-5

  package init(
    layers: Int, hiddenSize: Int, heads: Int, vocabularySize: Int, sequenceLength: Int,
    rotarySize: Int, rotaryBase: Double = 10_000, feedForwardSize: Int? = nil
  ) {
    self.layers = layers
    self.hiddenSize = hiddenSize
    self.heads = heads
    self.feedForwardSize = feedForwardSize ?? 4 * hiddenSize
    self.vocabularySize = vocabularySize
    self.sequenceLength = sequenceLength
    self.rotarySize = rotarySize
    self.rotaryBase = rotaryBase
  }

  package var headSize: Int { hiddenSize / heads }

  /// Every trained number: the untied head and its bias included, no padding.
  ///
  /// 6,050,882,784 for GPT-J 6B (Hugging Face EleutherAI/gpt-j-6b).
  package var parameterCount: Int {
    let (d, f) = (hiddenSize, feedForwardSize)
    let block = 4 * d * d + 2 * d * f + f + d + 2 * d
    return layers * block + 2 * vocabularySize * d + vocabularySize + 2 * d
  }

  /// Model FLOPs of one training step: forward and backward once, causality not exploited.
  ///
  /// 6 x (matmul weights) per token plus 12 x sequence x hidden size per token and layer for the
  /// scores, the usual count without recomputation (Narayanan et al. 2021, section 5.1).
  package func modelFlops(tokens: Int) -> Int {
    tokens * (6 * matmulWeights + 12 * layers * sequenceLength * hiddenSize)
  }

  /// The same where only adapters are trained: the weights' own gradients are not asked for.
  package func modelFlops(tokens: Int, _ lora: LoRA) -> Int {
    modelFlops(tokens: tokens)
      + tokens * (6 * lora.parameterCount(of: self) - 2 * matmulWeights)
  }

  private var matmulWeights: Int {
    let (d, f) = (hiddenSize, feedForwardSize)
    return layers * (4 * d * d + 2 * d * f) + vocabularySize * d
  }
}
