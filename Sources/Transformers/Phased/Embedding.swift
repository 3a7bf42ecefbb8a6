import Program

/// The embedding's tables: vocabulary rows, and positions, split over the ranks.
struct Embedding {
  let weights: Weights<TensorReference>
  /// (Vl, D): its own, or the encoder's.
  let table: TensorReference
  let step: ModelWriter

  /// ids (T) -> x (T, D): each rank looks up the ids it holds, the sum over ranks has them all.
  func forward(_ ids: TensorReference) -> TensorReference {
    let x = normed(ids).x
    step.dropout(x, .embedding)
    return x
  }

  /// x (T, D), and what the norm of it needs backward where it has one.
  private func normed(
    _ ids: TensorReference
  ) -> (x: TensorReference, norm: (input: TensorReference, stats: TensorReference)?) {
    let partial = step.temporary("embedded.partial", step.activationShape)
    step.emit(.embed, [ids, table], into: [partial])
    for role in [Role.position, .tokenType] {
      guard let rows = weights[role] else { continue }
      let other = step.temporary(role.rawValue + ".partial", step.activationShape)
      step.emit(.embed, [ids, rows], into: [other])
      step.emit(.add, [partial, other], into: [partial])
    }
    let sum = step.allReduce(partial, "embedded")
    guard weights[.embeddingNormGain] != nil else { return (sum, nil) }
    let norm = Norm(weights, .embeddingNormGain, .embeddingNormBias)
    let (x, stats) = norm.forward(sum, "norm", step)
    return (x, (sum, stats))
  }

  /// Accumulates the gradients of the tables from dx (T, D), which dropout masks in place.
  func backward(
    _ dX: TensorReference, _ ids: TensorReference, into gradients: Weights<TensorReference>,
    _ dTable: TensorReference?
  ) {
    step.dropout(dX, .embedding)
    var dSum = dX
    if weights[.embeddingNormGain] != nil, let (input, stats) = normed(ids).norm {
      dSum = Norm(weights, .embeddingNormGain, .embeddingNormBias).backward(
        dX, input: input, stats: stats, into: gradients, .embeddingNormGain, .embeddingNormBias,
        "d_sum", step)
    }
    for gradient in [dTable, gradients[.position], gradients[.tokenType]] {
      if let gradient { step.emit(.embedBackward, [ids, dSum], into: [gradient]) }
    }
  }
}
