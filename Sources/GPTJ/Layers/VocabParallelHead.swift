import Program

/// The final layer norm and the untied projection, its vocabulary split over the ranks.
struct VocabParallelHead {
  let norm: LayerNorm
  let projection: ColumnParallelLinear

  init(_ weights: Head<TensorReference>) {
    norm = LayerNorm(gain: weights.normGain, bias: weights.normBias)
    projection = ColumnParallelLinear(weight: weights.weight, bias: weights.bias)
  }

  struct Saved {
    let h: TensorReference
    let stats: TensorReference
  }

  /// x (T, D) -> logits (T, Vl).
  func forward(_ x: TensorReference, _ step: StepWriter) -> (logits: TensorReference, Saved) {
    let (h, stats) = norm.forward(x, "norm", step)
    return (projection.forward(h, "logits", step), Saved(h: h, stats: stats))
  }

  /// Accumulates the gradients of all four parameters, where they are trained, and returns dx (T, D).
  func backward(
    _ dLogits: TensorReference, input x: TensorReference, _ saved: Saved,
    into gradients: Head<TensorReference>?, _ step: StepWriter
  ) -> TensorReference {
    let partial = projection.backward(
      dLogits, input: saved.h, into: gradients?.weight, bias: gradients?.bias, "d_norm.partial",
      step)
    let dH = step.allReduce(partial, "d_norm")
    return norm.backward(
      dH, input: x, stats: saved.stats, into: gradients?.normGain, gradients?.normBias, "d_x",
      step)
  }
}

/// Mean cross-entropy over a vocabulary that no rank holds whole: three small all-reduces.
struct VocabParallelCrossEntropy {
  /// Writes the loss (1), the same on every rank of the group, and turns the logits into their
  /// gradient in place, times `scale`.
  func forwardAndBackward(
    logits: TensorReference, labels: TensorReference, scale: Double, _ step: StepWriter
  ) -> (loss: TensorReference, dLogits: TensorReference) {
    let vocabulary = step.model.vocabularySize
    let maxima = perToken("max", step)
    step.builder.emit(.logitsMax(vocabulary: vocabulary), [logits], into: [maxima])
    let maximum = step.allReduce(maxima, "max", over: .tensor, .allReduceMax)
    let sums = perToken("sum_exp", step)
    let labelLogits = perToken("label_logit", step)
    step.builder.emit(
      .logitsSums(vocabulary: vocabulary), [logits, labels, maximum], into: [sums, labelLogits])
    let sum = step.allReduce(sums, "sum_exp")
    let labelLogit = step.allReduce(labelLogits, "label_logit")
    let loss = step.builder.temporary("loss", [1], .float32, differsOver: .data)
    step.builder.emit(.crossEntropyLoss, [maximum, sum, labelLogit, labels], into: [loss])
    step.builder.emit(
      .crossEntropyBackward(vocabulary: vocabulary, scale: scale), [logits, maximum, sum, labels],
      into: [logits])
    return (loss, logits)
  }

  /// One number for each token from this rank's part of the vocabulary.
  private func perToken(_ name: String, _ step: StepWriter) -> TensorReference {
    step.builder.temporary(name + ".partial", [step.tokens], .float32, differsOver: .all)
  }
}
