import Program

// Shapes: T tokens, C input columns, R output rows of the weight; `l` marks one rank's part.

/// Output features split over the ranks: `y = x Wᵀ + b` with `W` (Rl, C), no communication forward.
///
/// Its input's gradient is a partial sum that the caller all-reduces (Megatron's f operator),
/// so that layers that share an input need only one all-reduce if they wish.
struct ColumnParallelLinear {
  let weight: TensorReference
  var bias: TensorReference?
  var adapters: [LowRankUpdate] = []

  func forward(_ x: TensorReference, _ name: String, _ step: StepWriter) -> TensorReference {
    let y = step.builder.temporary(
      name, [step.builder[x].rows, step.builder[weight].rows], step.type, differsOver: .all)
    step.builder.emit(
      .matmul(transposeA: false, transposeB: true, accumulate: false), [x, weight], into: [y])
    if let bias { step.builder.emit(.addBias, [y, bias], into: [y]) }
    for adapter in adapters { adapter.add(x, to: y, name, step) }
    return y
  }

  /// Accumulates the weight's and bias' gradients, where they are trained, and the adapters', and
  /// returns the partial dx (T, C), added to `other`'s where that is given.
  func backward(
    _ dy: TensorReference, input x: TensorReference, into dWeight: TensorReference?,
    bias dBias: TensorReference? = nil, addingTo other: TensorReference? = nil, _ name: String,
    _ step: StepWriter
  ) -> TensorReference {
    if let dWeight { step.accumulateWeightGradient(dy, x, into: dWeight) }
    if let dBias { step.builder.emit(.biasGradient, [dy], into: [dBias]) }
    let dx = step.inputGradient(dy, weight, addingTo: other, name)
    for adapter in adapters { adapter.backward(dy, input: x, addingTo: dx, name, step) }
    return dx
  }
}

/// Input features split over the ranks: `y = all-reduce(xl Wlᵀ) + b` with `W` (R, Cl).
///
/// The bias is added once, after the sum (Megatron's g operator is identity backward).
struct RowParallelLinear {
  let weight: TensorReference
  var adapter: LowRankUpdate?

  /// The partial sum (T, R) that `completed` completes, added to `other` where that is given.
  func partial(
    _ x: TensorReference, addingTo other: TensorReference? = nil, _ name: String,
    _ step: StepWriter
  ) -> TensorReference {
    let y =
      other
      ?? step.builder.temporary(
        name + ".partial", [step.builder[x].rows, step.builder[weight].rows], step.type,
        differsOver: .all)
    step.builder.emit(
      .matmul(transposeA: false, transposeB: true, accumulate: other != nil), [x, weight],
      into: [y])
    adapter?.add(x, to: y, name, step)
    return y
  }

  /// Accumulates the weight's gradient, where it is trained, and the adapter's, and returns this
  /// rank's dx (T, Cl).
  func backward(
    _ dy: TensorReference, input x: TensorReference, into dWeight: TensorReference?,
    _ name: String, _ step: StepWriter
  ) -> TensorReference {
    if let dWeight { step.accumulateWeightGradient(dy, x, into: dWeight) }
    let dx = step.inputGradient(dy, weight, name)
    adapter?.backward(dy, input: x, addingTo: dx, name, step)
    return dx
  }
}

extension StepWriter {
  /// dW (R, C) += dyᵀ x.
  func accumulateWeightGradient(
    _ dy: TensorReference, _ x: TensorReference, into dWeight: TensorReference
  ) {
    builder.emit(
      .matmul(transposeA: true, transposeB: false, accumulate: true), [dy, x], into: [dWeight])
  }

  /// dx (T, C) = dy W, or `other` += dy W.
  func inputGradient(
    _ dy: TensorReference, _ weight: TensorReference, addingTo other: TensorReference? = nil,
    _ name: String
  ) -> TensorReference {
    let dx =
      other
      ?? builder.temporary(
        name, [builder[dy].rows, builder[weight].columns], type, differsOver: .all)
    builder.emit(
      .matmul(transposeA: false, transposeB: false, accumulate: other != nil), [dy, weight],
      into: [dx])
    return dx
  }
}
