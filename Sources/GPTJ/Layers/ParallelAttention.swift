import Program

/// Causal self-attention with whole heads on each rank: qkv is column-parallel, the output
/// row-parallel, neither with a bias.
struct ParallelAttention {
  let qkv: ColumnParallelLinear
  let output: RowParallelLinear

  /// What the backward pass needs; all of it is this rank's own.
  struct Saved {
    /// (T, 3 Dl): q and k after rotation, then v.
    var qkv: TensorReference
    /// (T, Dl).
    var context: TensorReference
    /// (T, heads).
    var logSumExp: TensorReference
  }

  /// Everything before the output's product.
  func forward(_ h: TensorReference, dropout: Dropout?, _ step: StepWriter) -> Saved {
    let builder = step.builder
    let shape = step.attention(dropout)
    let projected = qkv.forward(h, "qkv", step)
    builder.emit(step.rotary(inverse: false), [projected], into: [projected])
    let rows = builder[h].rows
    let context = builder.temporary(
      "context", [rows, shape.heads * shape.headSize], step.type, differsOver: .all)
    let logSumExp = builder.temporary(
      "log_sum_exp", [rows, shape.heads], .float32, differsOver: .all)
    let schedule = dropout.map { [$0.schedule] } ?? []
    builder.emit(.attention(shape), [projected] + schedule, into: [context, logSumExp])
    return Saved(qkv: projected, context: context, logSumExp: logSumExp)
  }

  /// Accumulates what is trained of both layers and returns the partial dh (T, D), added to
  /// `other`'s where that is given.
  func backward(
    _ dy: TensorReference, input h: TensorReference, _ saved: Saved,
    into dWeights: Block<TensorReference>?, dropout: Dropout?, addingTo other: TensorReference?,
    _ step: StepWriter
  ) -> TensorReference {
    let dContext = output.backward(
      dy, input: saved.context, into: dWeights?.attentionOutput, "d_context", step)
    let dQKV = step.builder.temporary(
      "d_qkv", step.builder[saved.qkv].shape, step.type, differsOver: .all)
    step.builder.emit(
      .attentionBackward(step.attention(dropout)),
      [saved.qkv, saved.context, saved.logSumExp, dContext] + (dropout.map { [$0.schedule] } ?? []),
      into: [dQKV])
    step.builder.emit(step.rotary(inverse: true), [dQKV], into: [dQKV])
    return qkv.backward(
      dQKV, input: h, into: dWeights?.qkv, addingTo: other, "d_norm.attention.partial", step)
  }
}

extension StepWriter {
  func rotary(inverse: Bool) -> Operation.Kind {
    .rotary(
      Operation.Rotary(size: model.rotarySize, base: model.rotaryBase), attention, inverse: inverse)
  }
}
