import Program

/// One value for each parameter of a transformer block, in the order of their use.
package struct Block<Value> {
  package var normGain: Value
  package var normBias: Value
  package var qkv: Value
  package var attentionOutput: Value
  package var feedForwardIn: Value
  package var feedForwardInBias: Value
  package var feedForwardOut: Value
  package var feedForwardOutBias: Value

  package func map<Other>(_ transform: (Value) -> Other) -> Block<Other> {
    Block<Other>(
      normGain: transform(normGain), normBias: transform(normBias), qkv: transform(qkv),
      attentionOutput: transform(attentionOutput), feedForwardIn: transform(feedForwardIn),
      feedForwardInBias: transform(feedForwardInBias), feedForwardOut: transform(feedForwardOut),
      feedForwardOutBias: transform(feedForwardOutBias))
  }

  package var all: [Value] {
    [
      normGain, normBias, qkv, attentionOutput, feedForwardIn, feedForwardInBias, feedForwardOut,
      feedForwardOutBias,
    ]
  }
}

/// One value for each parameter of the head: the final layer norm, the untied projection, its bias.
package struct Head<Value> {
  package var normGain: Value
  package var normBias: Value
  package var weight: Value
  package var bias: Value

  package func map<Other>(_ transform: (Value) -> Other) -> Head<Other> {
    Head<Other>(
      normGain: transform(normGain), normBias: transform(normBias), weight: transform(weight),
      bias: transform(bias))
  }

  package var all: [Value] { [normGain, normBias, weight, bias] }
}

/// All parameters of a GPT-J split over `tensorParallel` ranks.
package struct ParameterSet {
  package let embedding: Parameter
  package let block: Block<Parameter>
  package let head: Head<Parameter>
  /// Of each layer; none where the weights themselves are trained.
  package let adapters: Adapters<Parameter>

  /// Those of the model itself.
  package var ofModel: [Parameter] { [embedding] + block.all + head.all }

  package var all: [Parameter] { ofModel + adapters.all }

  /// Which stage of a pipeline has a parameter, and which of its layers it is there.
  package func place(
    of parameter: Parameter, layer: Int, stages: Int, layers: Int
  ) -> (stage: Int, instance: Int) {
    guard parameter.isPerLayer else { return (parameter == embedding ? 0 : stages - 1, 0) }
    return (layer / (layers / stages), layer % (layers / stages))
  }

  /// What the optimizer updates: the adapters alone where there are any.
  package var trained: [Parameter] { adapters.isEmpty ? all : adapters.all }

  /// The trained parameters of one layer.
  package var trainedInLayer: [Parameter] { adapters.isEmpty ? block.all : adapters.all }

  /// With `shardsSequence` each rank of a tensor-parallel group norms its own rows.
  package init(
    _ model: GPTJModel, tensorParallel: Int, lora: LoRA? = nil, shardsSequence: Bool = false
  ) {
    adapters = Adapters(lora, model, tensorParallel: tensorParallel)
    let make = ParameterFactory(tensorParallel: tensorParallel)
    let (d, f, v) = (model.hiddenSize, model.feedForwardSize, model.vocabularySize)
    // The reference rounds an embedding shard up to 16 rows and leaves the head's as it comes
    // (Graphcore examples, nlp/gpt_j/popxl): 3152 and 3150 rows at 50400 / 16.
    let embeddingRows = (v.shard(of: tensorParallel) + 15) / 16 * 16
    embedding = make.vocabulary(
      "embedding.weight", ["transformer.wte.weight"], [v, d], embeddingRows)
    block = Block(
      normGain: make.replicated(
        "layer.norm.gain", "transformer.h.N.ln_1.weight", d, layered: true,
        partialGradient: shardsSequence),
      normBias: make.replicated(
        "layer.norm.bias", "transformer.h.N.ln_1.bias", d, layered: true,
        partialGradient: shardsSequence),
      qkv: make.rows(
        "layer.attention.qkv.weight",
        ["q", "k", "v"].map { "transformer.h.N.attn.\($0)_proj.weight" }, [d, d]),
      attentionOutput: make.columns(
        "layer.attention.output.weight", "transformer.h.N.attn.out_proj.weight", [d, d]),
      feedForwardIn: make.rows(
        "layer.feed_forward.in.weight", ["transformer.h.N.mlp.fc_in.weight"], [f, d]),
      feedForwardInBias: make.rows(
        "layer.feed_forward.in.bias", ["transformer.h.N.mlp.fc_in.bias"], [f]),
      feedForwardOut: make.columns(
        "layer.feed_forward.out.weight", "transformer.h.N.mlp.fc_out.weight", [d, f]),
      feedForwardOutBias: make.replicated(
        "layer.feed_forward.out.bias", "transformer.h.N.mlp.fc_out.bias", d, layered: true))
    let headRows = v.shard(of: tensorParallel)
    head = Head(
      normGain: make.replicated(
        "head.norm.gain", "transformer.ln_f.weight", d, layered: false,
        partialGradient: shardsSequence),
      normBias: make.replicated(
        "head.norm.bias", "transformer.ln_f.bias", d, layered: false,
        partialGradient: shardsSequence),
      weight: make.vocabulary("head.weight", ["lm_head.weight"], [v, d], headRows),
      bias: make.vocabulary("head.bias", ["lm_head.bias"], [v], headRows))
  }
}

/// Makes parameters of each partition, so that the list above reads as a table.
private struct ParameterFactory {
  let tensorParallel: Int

  func replicated(
    _ name: String, _ source: String, _ size: Int, layered: Bool, partialGradient: Bool = false
  ) -> Parameter {
    Parameter(
      name: name, huggingFaceNames: [source], fullShape: [size], partition: .replicated,
      shape: [size], isPerLayer: layered, isDecayed: false, hasPartialGradient: partialGradient)
  }

  func rows(_ name: String, _ sources: [String], _ full: [Int]) -> Parameter {
    let rows = sources.count * full[0] / tensorParallel
    return Parameter(
      name: name, huggingFaceNames: sources, fullShape: full, partition: .rows,
      shape: [rows] + full.dropFirst(), isPerLayer: true, isDecayed: full.count > 1,
      hasPartialGradient: false)
  }

  func columns(_ name: String, _ source: String, _ full: [Int]) -> Parameter {
    Parameter(
      name: name, huggingFaceNames: [source], fullShape: full, partition: .columns,
      shape: [full[0], full[1] / tensorParallel], isPerLayer: true, isDecayed: true,
      hasPartialGradient: false)
  }

  func vocabulary(_ name: String, _ sources: [String], _ full: [Int], _ rows: Int) -> Parameter {
    Parameter(
      name: name, huggingFaceNames: sources, fullShape: full, partition: .rows,
      shape: [rows] + full.dropFirst(), isPerLayer: false, isDecayed: full.count > 1,
      hasPartialGradient: false)
  }
}
