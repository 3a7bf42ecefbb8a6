import Program

/// The final layer norm and the untied projection, its vocabulary split over the ranks.
struct VocabParallelHead {
  let norm: LayerNorm
  let projection: ColumnParallelLinear

  init(_ weights: Head<TensorReference>) {
    norm = LayerNorm(gain: weights.normGain, bias: weights.normBias)
    projection = ColumnParallelLinear(weight: weights.weight, bias: weights.bias)
  }

  /// x (T, D), or this rank's rows of it -> logits (T, Vl).
  func forward(_ x: TensorReference, _ step: StepWriter) -> TensorReference {
    projection.forward(normed(x, step).h, "logits", step)
  }

  /// The norm of all rows (T, D), and for the backward pass the statistics of those that are x.
  private func normed(
    _ x: TensorReference, _ step: StepWriter
  ) -> (h: TensorReference, stats: TensorReference) {
    let (rows, stats) = norm.forward(x, "norm", step)
    return (step.whole(rows, "norm.whole"), stats)
  }
}

// MARK: - Training

extension VocabParallelHead {
  /// Forward, loss and backward: stores the mean loss (1) where the host finds it, accumulates the
  /// gradients of all four parameters, where they are trained, and returns dx like x; the loss's
  /// gradient is `scale`.
  ///
  /// The plan's `headSerialisation` says in how many chunks of rows, so that only one chunk's logits
  /// exist at a time. Chunks have the arithmetic and the bytes of the whole, in more and smaller
  /// all-reduces; what they add up, the projection's gradients, is rounded once for each of them.
  func train(
    _ x: TensorReference, labels: TensorReference, loss: TensorReference, scale: Double,
    into gradients: Head<TensorReference>?, _ step: StepWriter
  ) -> TensorReference {
    let (h, stats) = normed(x, step)
    let loop = step.plan.headSerialisation > 1 ? trainInChunks : trainWhole
    let partial = loop(h, labels, loss, scale, gradients, step)
    let dH = step.completed(partial, "d_norm")
    return norm.backward(
      dH, input: x, stats: stats, into: gradients?.normGain, gradients?.normBias, "d_x", step)
  }

  /// The partial gradient of h, all rows at once.
  private func trainWhole(
    _ h: TensorReference, _ labels: TensorReference, _ loss: TensorReference, _ scale: Double,
    _ gradients: Head<TensorReference>?, _ step: StepWriter
  ) -> TensorReference {
    let logits = projection.forward(h, "logits", step)
    let entropy = VocabParallelCrossEntropy()
    let row = entropy.statistics(logits: logits, labels: labels, step)
    let mean = entropy.loss(row, labels: labels, step)
    entropy.backward(logits: logits, row, labels: labels, scale: scale, step)
    step.builder.emit(.hostStore, [mean], into: [loss])
    return projection.backward(
      logits, input: h, into: gradients?.weight, bias: gradients?.bias, "d_norm.partial", step)
  }

  /// The same chunk by chunk; the loss is that of all rows together, from each row's statistics.
  private func trainInChunks(
    _ h: TensorReference, _ labels: TensorReference, _ loss: TensorReference, _ scale: Double,
    _ gradients: Head<TensorReference>?, _ step: StepWriter
  ) -> TensorReference {
    let builder = step.builder
    let count = step.plan.headSerialisation
    let rows = builder[h].rows
    let partial = builder.temporary(
      "d_norm.partial", [rows, step.model.hiddenSize], step.type, differsOver: .all)
    func perRow(_ name: String) -> TensorReference {
      builder.temporary(name + ".rows", [rows], .float32, differsOver: .data)
    }
    let entropy = VocabParallelCrossEntropy()
    let all = VocabParallelCrossEntropy.Statistics(
      maximum: perRow("max"), sum: perRow("sum_exp"), labelLogit: perRow("label_logit"))
    builder.loop("head_chunk", count: count) { index in
      let chunk = Operation.RowChunk(index, of: count)
      func take(_ whole: TensorReference, _ name: String) -> TensorReference {
        let tensor = builder[whole]
        let part = builder.temporary(
          name + ".chunk", [tensor.shape[0] / count] + tensor.shape.dropFirst(),
          tensor.elementType, differsOver: tensor.differsOver)
        builder.emit(.takeChunk(chunk), [whole], into: [part])
        return part
      }
      let (input, ofChunk) = (take(h, "norm"), take(labels, "labels"))
      let logits = projection.forward(input, "logits", step)
      let row = entropy.statistics(logits: logits, labels: ofChunk, step)
      entropy.backward(
        logits: logits, row, labels: ofChunk, among: labels, scale: scale, step)
      let dInput = projection.backward(
        logits, input: input, into: gradients?.weight, bias: gradients?.bias,
        "d_norm.chunk.partial", step)
      for (part, whole) in zip(row.all + [dInput], all.all + [partial]) {
        builder.emit(.putChunk(chunk), [part], into: [whole])
      }
    }
    builder.emit(.hostStore, [entropy.loss(all, labels: labels, step)], into: [loss])
    return partial
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

    var all: [TensorReference] { [maximum, sum, labelLogit] }
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

  /// The mean loss (1) of the rows that have a label, the same on every rank of the group.
  func loss(
    _ row: Statistics, labels: TensorReference, _ step: StepWriter
  ) -> TensorReference {
    let loss = step.builder.temporary("loss", [1], .float32, differsOver: .data)
    step.builder.emit(.crossEntropyLoss, row.all + [labels], into: [loss])
    return loss
  }

  /// Turns the logits into their gradient in place, times `scale`; the loss is the mean over the
  /// labels of these rows, or over those of `all` of which they are a part.
  func backward(
    logits: TensorReference, _ row: Statistics, labels: TensorReference,
    among all: TensorReference? = nil, scale: Double, _ step: StepWriter
  ) {
    step.builder.emit(
      .crossEntropyBackward(vocabulary: step.model.vocabularySize, scale: scale),
      [logits, row.maximum, row.sum, labels] + (all.map { [$0] } ?? []), into: [logits])
  }
}
