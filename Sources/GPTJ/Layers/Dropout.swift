import Program

/// Dropout of one micro-batch in one layer, at the places where GPT-J has it: on the embedding, on
/// the attention's probabilities, and on what each branch adds to the residual stream.
struct Dropout {
  let settings: TrainingStep.Dropout
  /// float32 (2): learning rate and the step's number.
  let schedule: TensorReference
  let layer: Affine
  let microBatch: Affine

  /// Masks and scales in place an activation (T, D) that a whole group holds, or a rank's rows of it.
  func apply(_ x: TensorReference, _ site: Operation.Dropout.Site, _ step: StepWriter) {
    step.builder.emit(
      .dropout(kind(site, step, rows: step.builder[x].rows)), [x, schedule], into: [x])
  }

  /// A masked and scaled copy of a gradient (T, D).
  func gradient(
    _ dy: TensorReference, _ site: Operation.Dropout.Site, _ name: String, _ step: StepWriter
  ) -> TensorReference {
    let tensor = step.builder[dy]
    let dx = step.builder.temporary(
      name, tensor.shape, tensor.elementType, differsOver: tensor.differsOver)
    step.builder.emit(.dropout(kind(site, step, rows: tensor.rows)), [dy, schedule], into: [dx])
    return dx
  }

  /// Of that many rows of the micro-batch's.
  func kind(
    _ site: Operation.Dropout.Site, _ step: StepWriter, rows: Int
  ) -> Operation.Dropout {
    Operation.Dropout(
      probability: settings.probability, seed: settings.seed, site: site, layer: layer,
      microBatch: microBatch, microBatches: step.plan.gradientAccumulation,
      sequence: step.model.sequenceLength, shards: step.tokens / rows)
  }
}

extension StepWriter {
  /// The shape of attention, with dropout of its probabilities.
  func attention(_ dropout: Dropout?) -> Operation.Attention {
    var shape = attention
    shape.dropout = dropout?.kind(.attentionProbabilities, self, rows: tokens)
    return shape
  }
}
