import Program

/// A norm over the last dimension; every rank of a tensor-parallel group computes the same.
struct Norm {
  let gain: TensorReference
  /// Root-mean-square norms have none: their gain stands in its place, an operand more or less of
  /// one row.
  let bias: TensorReference?

  init(_ weights: Weights<TensorReference>, _ gain: Role, _ bias: Role) {
    self.gain = weights.required(gain)
    self.bias = weights[bias]
  }

  /// y (T, D) and, for the backward pass, each row's mean and 1/std (T, 2).
  func forward(
    _ x: TensorReference, _ name: String, _ step: ModelWriter
  ) -> (y: TensorReference, stats: TensorReference) {
    let y = step.like(x, name)
    let stats = step.temporary(
      name + ".stats", [step.builder[x].rows, 2], .float32,
      differsOver: step.builder[x].differsOver)
    step.emit(.layerNorm(epsilon: 1e-5), [x, gain, bias ?? gain], into: [y, stats])
    return (y, stats)
  }

  /// Accumulates the gradients of gain and bias, and returns dx (T, D).
  func backward(
    _ dy: TensorReference, input x: TensorReference, stats: TensorReference,
    into gradients: Weights<TensorReference>, _ gain: Role, _ bias: Role, _ name: String,
    _ step: ModelWriter
  ) -> TensorReference {
    if let dGain = gradients[gain] {
      step.emit(.layerNormGradient, [dy, x, stats], into: [dGain, gradients[bias] ?? dGain])
    }
    let dx = step.like(x, name)
    step.emit(.layerNormBackward, [dy, x, stats, self.gain], into: [dx])
    return dx
  }
}
