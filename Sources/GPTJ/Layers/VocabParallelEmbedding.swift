import Program

/// Token embedding whose vocabulary rows are split over the ranks.
struct VocabParallelEmbedding {
  let table: TensorReference

  /// ids (T) -> x (T, D), or a rank's rows of it: each rank looks up the ids it holds, the sum over
  /// ranks has them all.
  func forward(_ ids: TensorReference, _ step: StepWriter) -> TensorReference {
    let partial = step.builder.temporary(
      "embedded.partial", [step.builder[ids].count, step.model.hiddenSize], step.type,
      differsOver: .all)
    step.builder.emit(.embed, [ids, table], into: [partial])
    return step.completed(partial, "embedded")
  }
}
