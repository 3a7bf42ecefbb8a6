package import Program

/// One optimizer step in phases from streaming memory, each layer loaded once for all micro-batches.
///
/// Structure: Graphcore examples, nlp/gpt_j/popxl, nlp/gpt3_2.7B/popxl (tied head) and nlp/t5/popxl
/// (one unified block for encoder and decoder).
package struct PhasedTrainingStep {
  package var model: TransformerModel
  package var plan: ExecutionPlan

  package init(model: TransformerModel, plan: ExecutionPlan) {
    self.model = model
    self.plan = plan
  }

  /// Writes the Program.
  ///
  /// Cost: a few hundred statements, whatever the model's and plan's sizes.
  ///
  /// - Throws: `TransformerError` where the plan cannot run the model.
  package func program() throws(TransformerError) -> Program {
    if let reason = plan.illegality(for: model) { throw reason }
    precondition(plan.execution == .phased && plan.task == .training, "another plan's step")
    let step = ModelWriter(name: "training_step", model: model, plan: plan)
    step.declareStorage(training: true)
    PhasedTraining(step).write()
    return step.builder.build()
  }
}

/// The step's buffers and its phases in the order in which they run.
struct PhasedTraining {
  let step: ModelWriter
  let x: TensorID
  let dx: TensorID
  let host: Host
  /// Sum of squares of the gradients that this rank holds, over all phases.
  let norm: TensorReference
  /// Of an encoder-decoder alone.
  let encoded: Encoded?

  /// What the host gives and gets.
  struct Host {
    let inputIDs: TensorID
    let labels: TensorID
    let schedule: TensorReference
    let loss: TensorID
    let gradientNorm: TensorReference
  }

  /// What an encoder-decoder has beside the rest.
  struct Encoded {
    let decoderIDs: TensorID
    /// Rows: the encoder's padding mask and the decoder's, unsharded.
    let masks: TensorID
    /// Of the encoder's output, one row for each decoder layer.
    let gradients: TensorID
    /// Of the embedding's table, from the decoder.
    let tableGradient: TensorID
  }

  /// Of the relative positions of one stack, while its layers run.
  struct Relative {
    let table: TensorReference
    let gradient: TensorReference
  }

  init(_ step: ModelWriter) {
    self.step = step
    let layers = step.model.layers
    let rows = step.model.hasCrossAttention ? 2 * layers + 3 : layers + 1
    x = step.activationBuffer("x", rows: rows)
    dx = step.activationBuffer("dx", rows: rows)
    let ids = [step.tokens]
    let predictions =
      step.plan.predictions > 0 ? step.plan.predictions : step.plan.sequenceLength
    host = Host(
      inputIDs: step.hostTensor("host.input_ids", ids, .int32, eachMicroBatch: true),
      labels: step.hostTensor(
        "host.labels", [predictions * step.plan.microBatchSize], .int32, eachMicroBatch: true),
      schedule: TensorReference(step.hostTensor("host.schedule", [2], .float32)),
      loss: step.hostTensor("host.loss", [1], .float32, eachMicroBatch: true),
      gradientNorm: TensorReference(step.hostTensor("host.gradient_norm", [1], .float32)))
    norm = step.builder.temporary("squared_norm", [1], .float32, differsOver: .all)
    encoded = step.model.hasCrossAttention ? Self.declareEncoded(step) : nil
  }

  private static func declareEncoded(_ step: ModelWriter) -> Encoded {
    let word = step.table.embedding.required(.word)
    return Encoded(
      decoderIDs: step.hostTensor(
        "host.decoder_input_ids", [step.tokens], .int32, eachMicroBatch: true),
      masks: step.builder.declare(
        "masks", [step.tokens], step.type, in: .streaming, differsOver: .data,
        instances: [2, step.plan.gradientAccumulation]),
      gradients: step.activationBuffer("d_encoded", rows: step.model.layers),
      tableGradient: step.builder.declare(
        "table_gradient", [step.shardCount(word)], step.type, in: .streaming,
        differsOver: .all))
  }

  func write() {
    if encoded == nil { writeOneStack() } else { writeTwoStacks() }
  }

  private func writeOneStack() {
    let tables = embeddingForward("embedding_forward", row: 0)
    stackForward("decoder_forward", step.table.blocks, rows: 0, encoded: nil, relative: tables)
    let tied = head(row: step.model.layers)
    stackBackward(
      "decoder_backward", step.table.blocks, rows: 0, isDecoder: false, relative: tables)
    let scalars = embeddingBackwardAndOptimizer(tied: tied, relative: tables)
    layersOptimizer("decoder_optimizer", step.table.blocks, scalars)
    weightsOptimizer("head_optimizer", step.table.head, scalars, storesGradients: true)
  }

  /// Rows of the activations: encoder input and layers 0...L, its normed output L + 1, decoder
  /// input and layers L + 2...2 L + 2.
  private func writeTwoStacks() {
    let layers = step.model.layers
    storeMasks()
    let encoderTables = embeddingForward("embedding_forward", row: 0)
    stackForward(
      "encoder_forward", step.table.encoder, rows: 0, encoded: layers + 1, relative: encoderTables)
    encoderHeadForward()
    let decoderTables = decoderEmbeddingForward()
    stackForward(
      "decoder_forward", step.table.blocks, rows: layers + 2, encoded: layers + 1,
      relative: decoderTables)
    _ = head(row: 2 * layers + 2)
    stackBackward(
      "decoder_backward", step.table.blocks, rows: layers + 2, isDecoder: true,
      relative: decoderTables)
    decoderEmbeddingBackward()
    sumEncodedGradients()
    encoderHeadBackward()
    stackBackward(
      "encoder_backward", step.table.encoder, rows: 0, isDecoder: false, relative: encoderTables)
    let scalars = embeddingBackwardAndOptimizer(
      tied: encoded?.tableGradient, relative: encoderTables)
    decoderEmbeddingOptimizer(decoderTables, scalars)
    layersOptimizer("encoder_optimizer", step.table.encoder, scalars)
    layersOptimizer("decoder_optimizer", step.table.blocks, scalars)
    weightsOptimizer("encoder_head_optimizer", step.table.encoderHead, scalars)
    weightsOptimizer("head_optimizer", step.table.head, scalars, storesGradients: true)
  }

  func forEachMicroBatch(_ body: (Affine) -> Void) {
    step.builder.loop("micro_batch", count: step.plan.gradientAccumulation, body)
  }

  func forEachLayer(descending: Bool = false, _ body: (Affine) -> Void) {
    step.builder.loop("layer", count: step.model.layers, descending: descending, body)
  }

  func phase(_ name: String, _ body: () -> Void) { step.builder.phase(name, body) }

  func load(_ weights: Weights<Weight>, layer: Affine? = nil) -> Weights<TensorReference> {
    weights.map { step.load($0, layer: layer) }
  }

  /// Reduces and stores the gradients of some weights.
  func storeGradients(
    _ weights: Weights<Weight>, _ gradients: Weights<TensorReference>, layer: Affine? = nil
  ) {
    for (weight, gradient) in zip(weights.all, gradients.all) {
      let shard = step.reduce(weight, gradient, norm: norm)
      step.store(shard, into: step.stored(weight).gradient, of: weight, layer: layer)
    }
  }
}
