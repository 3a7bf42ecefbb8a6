import Program

/// What stands in a step whose weights are frozen, in place of the embedding's backward phase.
extension TrainingPhases {
  /// Finishes the norm over the adapters' gradients; nothing in the embedding is trained.
  func gradientNorm() -> UpdateScalars {
    var scalars: UpdateScalars?
    step.builder.phase("gradient_norm") { scalars = finishNorm() }
    guard let scalars else { preconditionFailure("a phase always runs its body") }
    return scalars
  }
}
