/// One operation of every rank: what it does, and the tensor instances it reads and writes.
///
/// An operation may write in place: the same reference then stands in both lists.
package struct Operation: Sendable, Equatable {
  package let kind: Kind
  package let inputs: [TensorReference]
  package let outputs: [TensorReference]
  /// The type in which a product keeps its partial sums or a collective sends its payload; nil for
  /// that of its operands.
  ///
  /// Who times the Program reads both. The Emulator rounds payloads to it, and partial sums of
  /// products of float16; those of bfloat16 and all of attention it accumulates in float32, whatever
  /// this says.
  package let carrier: ElementType?

  package init(
    _ kind: Kind, inputs: [TensorReference], outputs: [TensorReference],
    carrier: ElementType? = nil
  ) {
    self.kind = kind
    self.inputs = inputs
    self.outputs = outputs
    self.carrier = carrier
  }

  /// What an operation computes or moves; each case says its operands as inputs -> outputs.
  ///
  /// Letters: T tokens of a micro-batch, D width, F feed-forward width, V vocabulary; `l` marks one
  /// rank's part. Weights are `[out, in]` as Hugging Face stores them.
  package enum Kind: Sendable, Equatable {
    /// host -> sram
    case hostLoad
    /// sram -> host
    case hostStore
    /// streaming -> sram; bfloat16 may become float32 on the way
    case load
    /// sram -> streaming
    case store
    /// buffer -> buffer; a gather joins flat shards in group order and drops the padding at the end.
    case collective(Collective, over: ProcessGroup)
    /// x -> the neighbouring stage's mailbox, on its tiles; waits until what it held was received
    case send(Neighbour)
    /// this stage's mailbox, which the neighbour fills -> x
    case receive(Neighbour)
    /// x -> this rank's flat 1/n of x; the last shard is filled up with zeros.
    case slice(over: ProcessGroup)
    /// -> x
    case zero
    /// x -> x, on the tiles
    case copy
    /// x (rows, C) -> this chunk of its rows
    case takeChunk(RowChunk)
    /// this chunk of rows -> x (rows, C), whose other rows stay as they are
    case putChunk(RowChunk)
    /// a, b -> c; c (+)= op(a) op(b)
    case matmul(transposeA: Bool, transposeB: Bool, accumulate: Bool)
    /// x (rows, C), bias (C) -> x + bias
    case addBias
    /// y (rows, C), x (rows, c) -> y; its columns from the first on are increased by factor times x
    case addScaledColumns(factor: Double, first: Int)
    /// y (rows, C) -> factor times its c columns from the first on (rows, c): the gradient of the above
    case scaledColumns(factor: Double, first: Int)
    /// dy (rows, C) -> dbias (C), accumulated
    case biasGradient
    /// two or more addends -> sum
    case add
    /// x (T, D), gain, bias -> y (T, D), stats (T, 2: mean and 1/std)
    case layerNorm(epsilon: Double)
    /// dy, x, stats, gain -> dx
    case layerNormBackward
    /// dy, x, stats -> dgain, dbias, both accumulated
    case layerNormGradient
    /// qkv (T, 3 Dl), in place on q and k: `inverse` is the gradient's direction; with places (T),
    /// a row's position is its place in the cache instead of its place in the sequence
    case rotary(Rotary, Attention, inverse: Bool)
    /// qkv (T, 3 Dl), with dropout also learning rate and step (2) -> o (T, Dl), log-sum-exp
    /// (T, heads)
    case attention(Attention)
    /// qkv, o, log-sum-exp, do, with dropout also learning rate and step -> dqkv
    case attentionBackward(Attention)
    /// z -> gelu(z), the tanh form
    case gelu
    /// dg, z -> dz
    case geluBackward
    /// x (T, D), learning rate and step (2) -> x masked and scaled, in place or not
    case dropout(Dropout)
    /// ids (T), table (Vl, D) -> rows (T, D); ids of other shards give zeros
    case embed
    /// ids (T), dx (T, D) -> dtable (Vl, D), accumulated
    case embedBackward
    /// logits (T, Vl) -> row maximum (T)
    case logitsMax(vocabulary: Int)
    /// logits, labels, max -> row sum of exp(logit - max) (T), the label's logit or 0 (T)
    case logitsSums(vocabulary: Int)
    /// max, sum, label logit, labels -> mean loss (1)
    case crossEntropyLoss
    /// logits, max, sum, labels -> dlogits, in place; times `scale` over the number of labels: of
    /// these rows', or of those that a fifth operand has
    case crossEntropyBackward(vocabulary: Int, scale: Double)
    /// x -> sum of squares (1), accumulated
    case sumOfSquares
    /// sum of squares (1) -> gradient scale (1), gradient norm (1); a sum that is not finite makes the
    /// scale 0, and updates leave everything as it is then
    case gradientScale(clip: Double, lossScale: Double)
    /// w, g, m, v, gradient scale (1), learning rate and step (2) -> w, m, v in place; a bfloat16 w
    /// has the rest of its float32, an int16, as the last operand of both; a float16 w is all there is
    case adamW(AdamW)
    /// qkv (T, 3 Dl), places (T) -> cache (sequences, heads, 2 x sequence x head size), these k and v
    /// written; a place is sequence number x `sequence` + position, or -1 for a row without a token
    case cacheAppend(Attention)
    /// qkv (T, 3 Dl), cache, places (T) -> o (T, Dl): each q against its sequence as far as its place
    case cachedAttention(Attention)
    /// x (T, C), row numbers (B) -> those rows (B, C)
    case selectRows
    /// gathered logits (shards, B, Vl), or all (B, V) -> the most likely id of each row (B)
    case argmax(vocabulary: Int)
    /// inputs -> outputs, each passed over once: what only models have that are timed and never run
    /// (gates, other activations, position biases, the packing of queries with other keys)
    case elementwise(String)
  }

  package enum Collective: String, Sendable, CaseIterable {
    case allReduceSum = "all_reduce_sum"
    case allReduceMax = "all_reduce_max"
    case reduceScatter = "reduce_scatter"
    case allGather = "all_gather"
    case broadcast
    /// From one stage to the next or back: a tally's name for `Kind.send`, never a collective.
    case send
  }

  /// Which of the stages beside a pipeline's own.
  package enum Neighbour: String, Sendable {
    case previous, next
  }

  /// One of a tensor's equal parts, each of whole rows that follow each other.
  package struct RowChunk: Sendable, Equatable {
    package var index: Affine
    package var count: Int

    package init(_ index: Affine, of count: Int) {
      self.index = index
      self.count = count
    }
  }

  /// One rank's share of the attention of `tokens / sequence` sequences.
  package struct Attention: Sendable, Equatable {
    package var heads: Int
    package var headSize: Int
    package var sequence: Int
    /// In how many blocks of queries the pod computes it, for memory (not for time).
    package var serialisation: Int
    /// Of the probabilities.
    package var dropout: Dropout?

    package init(
      heads: Int, headSize: Int, sequence: Int, serialisation: Int, dropout: Dropout? = nil
    ) {
      self.heads = heads
      self.headSize = headSize
      self.sequence = sequence
      self.serialisation = serialisation
      self.dropout = dropout
    }
  }

  /// One of a step's dropouts: all that its mask depends on beside the step's number.
  ///
  /// An element's random number is keyed by seed, step, site, layer, sequence of the global batch,
  /// position, and column or head and key: by no rank, so that every plan, and a pass that is
  /// repeated, draws the same mask.
  package struct Dropout: Sendable, Equatable {
    package enum Site: Int, Sendable, CaseIterable {
      case embedding, attentionOutput, feedForwardOutput, attentionProbabilities
    }

    /// Of an element to become 0; the others are divided by the rest.
    package var probability: Double
    package var seed: Int
    package var site: Site
    package var layer: Affine
    /// Which micro-batch of the replica's, and how many it has.
    package var microBatch: Affine
    package var microBatches: Int
    /// Tokens of a sequence.
    package var sequence: Int
    /// In how many parts the ranks of a tensor-parallel group hold the rows; 1 where each has all.
    package var shards: Int

    package init(
      probability: Double, seed: Int, site: Site, layer: Affine, microBatch: Affine,
      microBatches: Int, sequence: Int, shards: Int = 1
    ) {
      self.probability = probability
      self.seed = seed
      self.site = site
      self.layer = layer
      self.microBatch = microBatch
      self.microBatches = microBatches
      self.sequence = sequence
      self.shards = shards
    }
  }

  /// Rotary position embedding of the first `size` elements of a head, in interleaved pairs.
  package struct Rotary: Sendable, Equatable {
    package var size: Int
    package var base: Double

    package init(size: Int, base: Double) {
      self.size = size
      self.base = base
    }
  }

  /// Hyper-parameters of AdamW that do not change from step to step.
  package struct AdamW: Sendable, Equatable {
    package var beta1: Double
    package var beta2: Double
    package var epsilon: Double
    package var weightDecay: Double
    /// Whether float16 weights are rounded up or down at random, or else to the nearest.
    package var roundsStochastically: Bool

    package init(
      beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double,
      roundsStochastically: Bool = true
    ) {
      self.beta1 = beta1
      self.beta2 = beta2
      self.epsilon = epsilon
      self.weightDecay = weightDecay
      self.roundsStochastically = roundsStochastically
    }
  }
}

extension Operation.Kind {
  /// A short name for traces, tables and error messages.
  package var name: String {
    switch self {
    case .collective(let collective, let group): "\(collective.rawValue)_\(group.rawValue)"
    case .send(let neighbour): "send_\(neighbour.rawValue)"
    case .receive(let neighbour): "receive_\(neighbour.rawValue)"
    case .slice(let group): "slice_\(group.rawValue)"
    case .elementwise(let function): function
    default: String(describing: self).prefix { $0 != "(" }.description
    }
  }
}
