package import Program

/// One forward pass over padded sequences that yields each one's most likely next token.
///
/// As the references do it: nothing cached, every layer loaded from streaming memory for every
/// token, the head over all positions; an encoder-decoder runs its encoder for every token too
/// (Graphcore examples, nlp/gpt_j/popxl, nlp/llama/popxl, nlp/t5/popxl, inference.py).
package struct GenerationPass {
  package var model: TransformerModel
  package var plan: ExecutionPlan

  package init(model: TransformerModel, plan: ExecutionPlan) {
    self.model = model
    self.plan = plan
  }

  /// Writes the Program.
  ///
  /// - Throws: `TransformerError` where the plan cannot run the model, or the model generates nothing.
  package func program() throws(TransformerError) -> Program {
    guard model.architecture != .encoder else { throw .noGeneration(model: model.name) }
    if let reason = plan.illegality(for: model) { throw reason }
    var plan = plan
    plan.hasDropout = false
    plan.hasAttentionDropout = false
    let step = ModelWriter(name: "generation_pass", model: model, plan: plan)
    step.declareStorage(training: false)
    Generation(step: step).write()
    return step.builder.build()
  }
}

private struct Generation {
  let step: ModelWriter

  func write() {
    let x = step.temporary("x", step.activationShape, differsOver: [])
    var encoded: TensorReference?
    if step.model.hasCrossAttention { encoded = encode(x) }
    let (name, ids) =
      encoded == nil
      ? ("embedding_forward", "host.input_ids")
      : ("decoder_embedding_forward", "host.decoder_input_ids")
    let relative = embed(x, name, ids, own: encoded == nil)
    stack("decoder_forward", step.table.blocks, x, encoded, relative)
    step.builder.phase("head") { head(x) }
  }

  private func load(_ weights: Weights<Weight>, layer: Affine? = nil) -> Weights<TensorReference> {
    weights.map { step.load($0, layer: layer) }
  }

  /// The encoder's output; the unified block's cross-attention reads its own input there.
  private func encode(_ x: TensorReference) -> TensorReference {
    let relative = embed(x, "embedding_forward", "host.input_ids", own: true)
    stack("encoder_forward", step.table.encoder, x, x, relative)
    let encoded = step.temporary("encoded", step.activationShape, differsOver: [])
    step.builder.phase("encoder_head_forward") {
      let norm = Norm(load(step.table.encoderHead), .normGain, .normBias)
      step.emit(.copy, [norm.forward(x, "norm", step).y], into: [encoded])
    }
    return encoded
  }

  /// Writes the embedded ids into x, and returns the stack's table of relative positions.
  private func embed(
    _ x: TensorReference, _ phase: String, _ ids: String, own: Bool
  ) -> TensorReference? {
    var relative: TensorReference?
    step.builder.phase(phase) {
      let weights = load(own ? step.table.embedding : step.table.decoderEmbedding)
      relative = weights[.relativeBias]
      let table = weights[.word] ?? step.load(step.table.embedding.required(.word))
      let host = step.hostTensor(ids, [step.tokens], .int32)
      let embedding = Embedding(weights: weights, table: table, step: step)
      let embedded = embedding.forward(step.hostLoad(TensorReference(host)))
      step.emit(.copy, [embedded], into: [x])
      if step.model.hasCrossAttention {
        let mask = step.hostTensor(ids + ".mask", [step.tokens], step.type)
        _ = step.hostLoad(TensorReference(mask))
      }
    }
    return relative
  }

  private func stack(
    _ phase: String, _ described: Weights<Weight>, _ x: TensorReference,
    _ encoded: TensorReference?, _ relative: TensorReference?
  ) {
    step.builder.loop("layer", count: step.model.layers) { layer in
      step.builder.phase(phase) {
        let inputs = BlockInputs(
          weights: load(described, layer: layer), encoded: encoded, relativeBias: relative)
        _ = Block(inputs, step).forward(x, inPlace: true)
      }
    }
  }

  /// Picks each sequence's last row, gathers its logits' shards and takes the largest.
  private func head(_ x: TensorReference) {
    let weights = load(step.table.head)
    let projection = weights[.projection] ?? step.load(step.table.embedding.required(.word))
    let logits = Head(weights: weights, projection: projection, step: step).forward(x).logits
    let batch = step.plan.microBatchSize
    let rows = step.hostLoad(TensorReference(step.hostTensor("host.last_rows", [batch], .int32)))
    let columns = step.builder[logits].columns
    let last = step.temporary("last_logits", [batch, columns])
    step.emit(.selectRows, [logits, rows], into: [last])
    var gathered = last
    if step.isParallel(.tensor) {
      gathered = step.temporary(
        "gathered_logits", [step.plan.tensorParallel, batch, columns], differsOver: [])
      step.emit(.collective(.allGather, over: .tensor), [last], into: [gathered])
    }
    let ids = step.temporary("next_ids", [batch], .int32, differsOver: [])
    step.emit(.argmax(vocabulary: step.model.vocabularySize), [gathered], into: [ids])
    let next = step.hostTensor("host.next_ids", [batch], .int32)
    step.emit(.hostStore, [ids], into: [TensorReference(next)])
  }
}
