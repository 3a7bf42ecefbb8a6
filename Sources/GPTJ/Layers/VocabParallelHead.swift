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

  /// Accumulates the gradients of all four parameters and returns dx (T, D).
  func backward(
    _ dLogits: TensorReference, input x: TensorReference, _ saved: Saved,
    into gradients: Head<TensorReference>, _ step: StepWriter
  ) -> TensorReference {
    let partial = projection.backward(
      dLogits, input: saved.h, into: gradients.weight, bias: gradients.bias, "d_norm.partial", step)
    let dH = step.allReduce(partial, "d_norm")
    return norm.backward(
      dH, input: x, stats: saved.stats, into: gradients.normGain, gradients.normBias, "d_x", step)
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
    let maximum = perToken(.logitsMax(vocabulary: vocabulary), [logits], .allReduceMax, "max", step)
    let sum = perToken(
      .logitsSumExp(vocabulary: vocabulary), [logits, maximum], .allReduceSum, "sum_exp", step)
    let label = perToken(
      .labelLogit(vocabulary: vocabulary), [logits, labels], .allReduceSum, "label_logit", step)
    let loss = step.builder.temporary("loss", [1], .float32, differsOver: .data)
    step.builder.emit(.crossEntropyLoss, [maximum, sum, label, labels], into: [loss])
    step.builder.emit(
      .crossEntropyBackward(vocabulary: vocabulary, scale: scale), [logits, maximum, sum, labels],
      into: [logits])
    return (loss, logits)
  }

  /// One number for each token, joined over the ranks of the tensor-parallel group.
  private func perToken(
    _ kind: Operation.Kind, _ inputs: [TensorReference], _ join: Operation.Collective,
    _ name: String, _ step: StepWriter
  ) -> TensorReference {
    let partial = step.builder.temporary(
      name + ".partial", [step.tokens], .float32, differsOver: .all)
    step.builder.emit(kind, inputs, into: [partial])
    return step.allReduce(partial, name, over: .tensor, join)
  }
}
