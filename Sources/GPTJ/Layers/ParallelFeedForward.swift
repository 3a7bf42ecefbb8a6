import Program

/// The feed-forward branch: the first matrix is split by output features, because gelu does not
/// distribute over partial sums; the second by input features, so that one all-reduce closes both.
struct ParallelFeedForward {
  let expand: ColumnParallelLinear
  let contract: RowParallelLinear
  let bias: TensorReference

  struct Saved {
    /// Before gelu (T, Fl).
    var z: TensorReference
    /// After gelu (T, Fl).
    var g: TensorReference
  }

  /// Everything before the second product.
  func forward(_ h: TensorReference, _ step: StepWriter) -> Saved {
    let z = expand.forward(h, "feed_forward.z", step)
    return Saved(z: z, g: gelu(z, step))
  }

  func gelu(_ z: TensorReference, _ step: StepWriter) -> TensorReference {
    let g = step.builder.temporary(
      "feed_forward.g", step.builder[z].shape, step.type, differsOver: .all)
    step.builder.emit(.gelu, [z], into: [g])
    return g
  }

  /// Accumulates what is trained of both layers and returns the partial dh (T, D).
  func backward(
    _ dy: TensorReference, input h: TensorReference, _ saved: Saved,
    into dWeights: Block<TensorReference>?, _ step: StepWriter
  ) -> TensorReference {
    if let dWeights {
      step.builder.emit(.biasGradient, [dy], into: [dWeights.feedForwardOutBias])
    }
    let dG = contract.backward(dy, input: saved.g, into: dWeights?.feedForwardOut, "d_g", step)
    let dZ = step.builder.temporary(
      "d_z", step.builder[saved.z].shape, step.type, differsOver: .all)
    step.builder.emit(.geluBackward, [dG, saved.z], into: [dZ])
    return expand.backward(
      dZ, input: h, into: dWeights?.feedForwardIn, bias: dWeights?.feedForwardInBias,
      "d_norm.feed_forward.partial", step)
  }
}
