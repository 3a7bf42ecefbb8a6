import Program

/// Layer norm over the last dimension; every rank of a tensor-parallel group computes the same.
struct LayerNorm {
  let gain: TensorReference
  let bias: TensorReference

  /// y (T, D) and, for the backward pass, each row's mean and 1/std (T, 2).
  func forward(
    _ x: TensorReference, _ name: String, _ step: StepWriter
  ) -> (y: TensorReference, stats: TensorReference) {
    let shape = step.builder[x].shape
    let axes = step.builder[x].differsOver
    let y = step.builder.temporary(name, shape, step.type, differsOver: axes)
    let stats = step.builder.temporary(
      name + ".stats", [step.builder[x].rows, 2], .float32, differsOver: axes)
    step.builder.emit(
      .layerNorm(epsilon: step.model.layerNormEpsilon), [x, gain, bias], into: [y, stats])
    return (y, stats)
  }

  /// Accumulates the gradients of gain and bias, where they are trained, and returns dx (T, D).
  func backward(
    _ dy: TensorReference, input x: TensorReference, stats: TensorReference,
    into dGain: TensorReference?, _ dBias: TensorReference?, _ name: String, _ step: StepWriter
  ) -> TensorReference {
    if let dGain, let dBias {
      step.builder.emit(.layerNormGradient, [dy, x, stats], into: [dGain, dBias])
    }
    let dx = step.builder.temporary(
      name, step.builder[x].shape, step.type, differsOver: step.builder[x].differsOver)
    step.builder.emit(.layerNormBackward, [dy, x, stats, gain], into: [dx])
    return dx
  }
}
