import Program

/// Streaming buffers for what a layer computed forward, where the plan does not recompute it.
///
/// The layer norm is the exception: its output is as large as x on every rank and cheap to repeat.
struct SavedActivations {
  let qkv: TensorID
  let context: TensorID
  let logSumExp: TensorID
  let z: TensorID
  let g: TensorID

  init(_ step: StepWriter) {
    let shape = step.attention
    let width = shape.heads * shape.headSize
    let feedForward = step.model.feedForwardSize / step.plan.tensorParallel
    func buffer(_ name: String, _ columns: Int, _ type: ElementType) -> TensorID {
      step.builder.declare(
        "saved." + name, [step.tokens, columns], type, in: .streaming, differsOver: .all,
        instances: [step.model.layers, step.plan.gradientAccumulation])
    }
    qkv = buffer("qkv", 3 * width, step.type)
    context = buffer("context", width, step.type)
    logSumExp = buffer("log_sum_exp", shape.heads, .float32)
    z = buffer("z", feedForward, step.type)
    g = buffer("g", feedForward, step.type)
  }

  func store(_ saved: TransformerBlock.Saved, _ indices: [Affine], _ step: StepWriter) {
    for (value, buffer) in [
      (saved.attention.qkv, qkv), (saved.attention.context, context),
      (saved.attention.logSumExp, logSumExp), (saved.feedForward.z, z), (saved.feedForward.g, g),
    ] {
      step.builder.emit(.store, [value], into: [TensorReference(buffer, indices)])
    }
  }

  func load(
    _ x: TensorReference, _ block: TransformerBlock, _ indices: [Affine], _ step: StepWriter
  ) -> TransformerBlock.Saved {
    func fetch(_ buffer: TensorID) -> TensorReference {
      let source = TensorReference(buffer, indices)
      let tensor = step.builder[source]
      let value = step.builder.temporary(
        tensor.name, tensor.shape, tensor.elementType, differsOver: .all)
      step.builder.emit(.load, [source], into: [value])
      return value
    }
    let (h, stats) = block.norm.forward(x, "norm", step)
    return TransformerBlock.Saved(
      h: h, stats: stats,
      attention: ParallelAttention.Saved(
        qkv: fetch(qkv), context: fetch(context), logSumExp: fetch(logSumExp)),
      feedForward: ParallelFeedForward.Saved(z: fetch(z), g: fetch(g)))
  }
}
