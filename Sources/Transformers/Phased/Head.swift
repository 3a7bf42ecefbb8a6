import Program

/// The last norm, or BERT's transform, and the projection, its vocabulary split over the ranks.
struct Head {
  let weights: Weights<TensorReference>
  /// (Vl, D): the head's own, or the embedding's table.
  let projection: TensorReference
  let step: ModelWriter

  /// What the projection read, and what was computed on the way there, in reverse.
  struct Saved {
    var h: TensorReference
    var norm: (input: TensorReference, stats: TensorReference)?
    var transform: (input: TensorReference, z: TensorReference)?
    var selected: TensorReference?
  }

  /// x (T, D) -> logits (rows, Vl): all rows, or those whose predictions are asked for.
  func forward(_ x: TensorReference) -> (logits: TensorReference, Saved) {
    var saved = Saved(h: x)
    if step.plan.predictions > 0, step.plan.predictions < step.plan.sequenceLength {
      let rows = step.plan.predictions * step.plan.microBatchSize
      saved.h = step.temporary("selected", [rows, step.model.hiddenSize], differsOver: .data)
      saved.selected = x
      step.emit(.elementwise("select_rows"), [x], into: [saved.h])
    }
    if step.model.hasHeadTransform { transform(&saved) }
    if weights[.normGain] != nil {
      let input = saved.h
      let (h, stats) = Norm(weights, .normGain, .normBias).forward(input, "norm", step)
      saved.norm = (input, stats)
      saved.h = h
    }
    let logits = step.product(saved.h, projection, "logits")
    step.addBias(weights[.projectionBias], to: logits)
    return (logits, saved)
  }

  private func transform(_ saved: inout Saved) {
    let input = saved.h
    let z = step.product(input, weights.required(.transform), "transform.z")
    step.addBias(weights[.transformBias], to: z)
    let g = step.like(z, "transform.g")
    step.emit(.gelu, [z], into: [g])
    saved.transform = (input, z)
    let norm = Norm(weights, .transformNormGain, .transformNormBias)
    let (h, stats) = norm.forward(g, "transform.norm", step)
    saved.norm = (g, stats)
    saved.h = h
  }

  /// Accumulates the gradients, of the tied table into `dProjection`, and returns dx (T, D).
  func backward(
    _ dLogits: TensorReference, _ saved: Saved, into gradients: Weights<TensorReference>,
    _ dProjection: TensorReference?
  ) -> TensorReference {
    step.accumulate(dLogits, saved.h, into: dProjection)
    step.biasGradient(dLogits, into: gradients[.projectionBias])
    var d = step.allReduce(step.inputGradient(dLogits, projection, "d_norm.partial"), "d_norm")
    if let (input, stats) = saved.norm {
      let (gain, bias): (Role, Role) =
        saved.transform == nil
        ? (.normGain, .normBias) : (.transformNormGain, .transformNormBias)
      d = Norm(weights, gain, bias).backward(
        d, input: input, stats: stats, into: gradients, gain, bias, "d_x.norm", step)
    }
    if let (input, z) = saved.transform {
      let dZ = step.like(z, "d_transform")
      step.emit(.geluBackward, [d, z], into: [dZ])
      step.accumulate(dZ, input, into: gradients[.transform])
      step.biasGradient(dZ, into: gradients[.transformBias])
      d = step.inputGradient(dZ, weights.required(.transform), "d_selected")
    }
    guard let x = saved.selected else { return d }
    let dX = step.like(x, "d_x")
    step.emit(.elementwise("scatter_rows"), [d], into: [dX])
    return dX
  }

  /// Writes the mean loss (1) and turns the logits into their gradient in place: three small
  /// all-reduces, since no rank holds the whole vocabulary.
  func crossEntropy(_ logits: TensorReference, _ labels: TensorReference) -> TensorReference {
    let vocabulary = step.model.vocabularySize
    let rows = step.builder[logits].rows
    func perRow(_ name: String) -> TensorReference { step.temporary(name, [rows], .float32) }
    let maxima = perRow("max.partial")
    step.emit(.logitsMax(vocabulary: vocabulary), [logits], into: [maxima])
    let maximum = step.allReduce(maxima, "max", .allReduceMax)
    let (sums, labelLogits) = (perRow("sum_exp.partial"), perRow("label_logit.partial"))
    step.emit(
      .logitsSums(vocabulary: vocabulary), [logits, labels, maximum], into: [sums, labelLogits])
    let sum = step.allReduce(sums, "sum_exp")
    let labelLogit = step.allReduce(labelLogits, "label_logit")
    let loss = step.temporary("loss", [1], .float32, differsOver: .data)
    step.emit(.crossEntropyLoss, [maximum, sum, labelLogit, labels], into: [loss])
    step.emit(
      .crossEntropyBackward(vocabulary: vocabulary, scale: 1), [logits, maximum, sum, labels],
      into: [logits])
    return loss
  }
}
