/// All weights of a model split over `tensorParallel` ranks, stack by stack.
package struct WeightTable {
  /// What an encoder-only or decoder-only model has once, an encoder-decoder for its encoder.
  package let embedding: Weights<Weight>
  /// Of an encoder-decoder alone: its decoder's relative positions.
  package let decoderEmbedding: Weights<Weight>
  /// The blocks of an encoder; empty without one.
  package let encoder: Weights<Weight>
  /// The norm that closes an encoder-decoder's encoder.
  package let encoderHead: Weights<Weight>
  /// The blocks of the decoder, or of an encoder-only model.
  package let blocks: Weights<Weight>
  package let head: Weights<Weight>

  package var all: [Weight] {
    embedding.all + encoder.all + encoderHead.all + decoderEmbedding.all + blocks.all + head.all
  }

  /// `attentionParallel` ranks share out the heads, which may be fewer than share out the rest.
  package init(_ model: TransformerModel, tensorParallel: Int, attentionParallel: Int) {
    let make = WeightFactory(
      model: model, parallel: tensorParallel, attentionParallel: attentionParallel)
    let isTwofold = model.architecture == .encoderDecoder
    embedding = make.embedding("embedding.")
    decoderEmbedding = isTwofold ? make.relativeBias("decoder_embedding.") : Weights()
    encoder = isTwofold ? make.block("encoder.layer.") : Weights()
    encoderHead = isTwofold ? make.norm("encoder.", .normGain, .normBias) : Weights()
    blocks = make.block(isTwofold ? "decoder.layer." : "layer.")
    head = make.head("head.")
  }
}

/// Makes weights of each partition, so that the lists read as tables.
private struct WeightFactory {
  let model: TransformerModel
  let parallel: Int
  let attentionParallel: Int

  private var d: Int { model.hiddenSize }

  func embedding(_ prefix: String) -> Weights<Weight> {
    var weights = relativeBias(prefix)
    // The reference rounds an embedding shard up to 16 rows (Graphcore popxl-addons, Embedding).
    add(.word, prefix, [rounded(model.vocabularySize), d], to: &weights)
    if model.positions == .learned {
      add(.position, prefix, [rounded(model.positionRows), d], to: &weights)
    }
    if model.tokenTypes > 0 {
      add(.tokenType, prefix, [model.tokenTypes, d], replicated: true, to: &weights)
    }
    if model.normPosition == .after {
      weights = weights.merging(norm(prefix, .embeddingNormGain, .embeddingNormBias))
    }
    return weights
  }

  /// Its columns are heads, so that each rank has those of its own.
  func relativeBias(_ prefix: String) -> Weights<Weight> {
    var weights = Weights<Weight>()
    if model.positions == .relative {
      add(
        .relativeBias, prefix, [model.positionRows, model.heads / attentionParallel], to: &weights)
    }
    return weights
  }

  func block(_ prefix: String) -> Weights<Weight> {
    var weights = norm(prefix, .normGain, .normBias, isPerLayer: true)
    func add(_ role: Role, _ shape: [Int], replicated: Bool = false) {
      self.add(role, prefix, shape, replicated: replicated, isPerLayer: true, to: &weights)
    }
    let heads = model.heads / attentionParallel
    let keyValueHeads = model.keyValueHeads / attentionParallel
    let width = model.headSize * heads
    let qkv = model.headSize * (heads + 2 * keyValueHeads)
    add(.qkv, [qkv, d])
    add(.attentionOutput, [d, width])
    if model.hasAttentionBias {
      add(.qkvBias, [qkv])
      add(.attentionOutputBias, [d], replicated: true)
    }
    if model.hasCrossAttention {
      weights = weights.merging(norm(prefix, .crossNormGain, .crossNormBias, isPerLayer: true))
      add(.crossQuery, [width, d])
      add(.crossKeyValue, [2 * width, d])
      add(.crossOutput, [d, width])
    }
    if model.residual == .sequential {
      weights = weights.merging(
        norm(prefix, .feedForwardNormGain, .feedForwardNormBias, isPerLayer: true))
    }
    let inner = model.feedForwardSize / parallel * (model.isGated ? 2 : 1)
    add(.feedForwardIn, [inner, d])
    add(.feedForwardOut, [d, model.feedForwardSize / parallel])
    if model.hasFeedForwardBias {
      add(.feedForwardInBias, [inner])
      add(.feedForwardOutBias, [d], replicated: true)
    }
    return weights
  }

  func head(_ prefix: String) -> Weights<Weight> {
    var weights =
      model.normPosition == .before ? norm(prefix, .normGain, .normBias) : Weights<Weight>()
    if model.hasHeadTransform {
      add(.transform, prefix, [d, d], replicated: true, to: &weights)
      add(.transformBias, prefix, [d], replicated: true, to: &weights)
      weights = weights.merging(norm(prefix, .transformNormGain, .transformNormBias))
    }
    // An untied head's shards are left as they come (Graphcore examples, nlp/gpt_j/popxl).
    let rows = model.vocabularySize.parts(parallel)
    if !model.isHeadTied { add(.projection, prefix, [rows, d], to: &weights) }
    if model.hasHeadBias {
      add(
        .projectionBias, prefix, [model.isHeadTied ? rounded(model.vocabularySize) : rows],
        to: &weights)
    }
    return weights
  }

  func norm(
    _ prefix: String, _ gain: Role, _ bias: Role, isPerLayer: Bool = false
  ) -> Weights<Weight> {
    var weights = Weights<Weight>()
    add(gain, prefix, [d], replicated: true, isPerLayer: isPerLayer, to: &weights)
    if model.hasNormBias {
      add(bias, prefix, [d], replicated: true, isPerLayer: isPerLayer, to: &weights)
    }
    return weights
  }

  private func add(
    _ role: Role, _ prefix: String, _ shape: [Int], replicated: Bool = false,
    isPerLayer: Bool = false, to weights: inout Weights<Weight>
  ) {
    weights[role] = Weight(
      name: prefix + role.rawValue, shape: shape, isReplicated: replicated,
      layers: isPerLayer ? model.layers : 1, isPerLayer: isPerLayer)
  }

  private func rounded(_ rows: Int) -> Int { (rows.parts(parallel) + 15) / 16 * 16 }
}

extension Int {
  /// The size of each of `count` parts, the last of which may be padded.
  func parts(_ count: Int) -> Int { (self + count - 1) / count }
}
