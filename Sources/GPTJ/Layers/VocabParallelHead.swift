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

  /// x (T, D), or this rank's rows of it -> logits (T, Vl).
  func forward(_ x: TensorReference, _ step: StepWriter) -> (logits: TensorReference, Saved) {
    let (rows, stats) = norm.forward(x, "norm", step)
    let h = step.whole(rows, "norm.whole")
    return (projection.forward(h, "logits", step), Saved(h: h, stats: stats))
  }

  /// Accumulates the gradients of all four parameters, where they are trained, and returns dx like x.
  func backward(
    _ dLogits: TensorReference, input x: TensorReference, _ saved: Saved,
    into gradients: Head<TensorReference>?, _ step: StepWriter
  ) -> TensorReference {
    let partial = projection.backward(
      dLogits, input: saved.h, into: gradients?.weight, bias: gradients?.bias, "d_norm.partial",
      step)
    let dH = step.completed(partial, "d_norm")
    return norm.backward(
      dH, input: x, stats: saved.stats, into: gradients?.normGain, gradients?.normBias, "d_x",
      step)
  }
}

/// Cross-entropy over a vocabulary that no rank holds whole: three small all-reduces.
struct VocabParallelCrossEntropy {
  /// What the softmax of each row needs, the same on every rank of the group; each is (rows).
  struct Statistics {
    let maximum: TensorReference
    /// Of exp(logit - maximum).
    let sum: TensorReference
    let labelLogit: TensorReference
  }

  func statistics(
    logits: TensorReference, labels: TensorReference, _ step: StepWriter
  ) -> Statistics {
    let vocabulary = step.model.vocabularySize
    let rows = step.builder[logits].rows
    /// One number for each row from this rank's part of the vocabulary.
    func perRow(_ name: String) -> TensorReference {
      step.builder.temporary(name + ".partial", [rows], .float32, differsOver: .all)
    }
    let maxima = perRow("max")
    step.builder.emit(.logitsMax(vocabulary: vocabulary), [logits], into: [maxima])
    let maximum = step.allReduce(maxima, "max", over: .tensor, .allReduceMax)
    let sums = perRow("sum_exp")
    let labelLogits = perRow("label_logit")
    step.builder.emit(
      .logitsSums(vocabulary: vocabulary), [logits, labels, maximum], into: [sums, labelLogits])
    return Statistics(
      maximum: maximum, sum: step.allReduce(sums, "sum_exp"),
      labelLogit: step.allReduce(labelLogits, "label_logit"))
  }

  /// Writes the mean loss (1), the same on every rank of the group, and turns the logits into their
  /// gradient in place, times `scale`.
  func forwardAndBackward(
    logits: TensorReference, labels: TensorReference, scale: Double, _ step: StepWriter
  ) -> (loss: TensorReference, dLogits: TensorReference) {
    let row = statistics(logits: logits, labels: labels, step)
    let loss = step.builder.temporary("loss", [1], .float32, differsOver: .data)
    step.builder.emit(
      .crossEntropyLoss, [row.maximum, row.sum, row.labelLogit, labels], into: [loss])
    step.builder.emit(
      .crossEntropyBackward(vocabulary: step.model.vocabularySize, scale: scale),
      [logits, row.maximum, row.sum, labels], into: [logits])
    return (loss, logits)
  }
}
