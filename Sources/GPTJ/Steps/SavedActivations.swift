import Program

/// Buffers for what a layer computed forward, where the plan does not recompute it: in streaming
/// memory, or on the tiles of a pipeline's stage.
///
/// The layer norm is the exception: its output is as large as x on every rank and cheap to repeat.
/// Selective recomputation repeats gelu as well.
struct SavedActivations {
  let qkv: TensorID
  let context: TensorID
  let logSumExp: TensorID
  let z: TensorID
  /// Nil where it is computed again from z.
  let g: TensorID?

  init(_ step: StepWriter) {
    let shape = step.attention
    let width = shape.heads * shape.headSize
    let feedForward = step.model.feedForwardSize / step.plan.tensorParallel
    func buffer(_ name: String, _ columns: Int, _ type: ElementType) -> TensorID {
      step.builder.declare(
        "saved." + name, [step.tokens, columns], type,
        in: step.isPipelined ? .sram : .streaming, differsOver: .all,
        instances: [step.layers, step.isPipelined ? step.slots : step.plan.gradientAccumulation])
    }
    qkv = buffer("qkv", 3 * width, step.type)
    context = buffer("context", width, step.type)
    logSumExp = buffer("log_sum_exp", shape.heads, .float32)
    z = buffer("z", feedForward, step.type)
    g = step.plan.recompute == .none ? buffer("g", feedForward, step.type) : nil
  }

  func store(_ saved: TransformerBlock.Saved, _ indices: [Affine], _ step: StepWriter) {
    let values: [(TensorReference, TensorID?)] = [
      (saved.attention.qkv, qkv), (saved.attention.context, context),
      (saved.attention.logSumExp, logSumExp), (saved.feedForward.z, z), (saved.feedForward.g, g),
    ]
    for case (let value, let buffer?) in values {
      step.builder.emit(
        step.isPipelined ? .copy : .store, [value], into: [TensorReference(buffer, indices)])
    }
  }

  func load(
    _ x: TensorReference, _ block: TransformerBlock, _ indices: [Affine], _ step: StepWriter
  ) -> TransformerBlock.Saved {
    func fetch(_ buffer: TensorID) -> TensorReference {
      let source = TensorReference(buffer, indices)
      if step.isPipelined { return source }
      let tensor = step.builder[source]
      let value = step.builder.temporary(
        tensor.name, tensor.shape, tensor.elementType, differsOver: .all)
      step.builder.emit(.load, [source], into: [value])
      return value
    }
    let (h, stats) = block.norm(x, step)
    let z = fetch(z)
    return TransformerBlock.Saved(
      h: h, stats: stats,
      attention: ParallelAttention.Saved(
        qkv: fetch(qkv), context: fetch(context), logSumExp: fetch(logSumExp)),
      feedForward: ParallelFeedForward.Saved(
        z: z, g: g.map(fetch) ?? block.feedForward.gelu(z, step)))
  }
}
