import Configuration
import Program

/// GPT-J's block: attention and feed-forward side by side on one layer norm, both added to x.
struct TransformerBlock {
  let norm: LayerNorm
  let attention: ParallelAttention
  let feedForward: ParallelFeedForward

  init(_ weights: Block<TensorReference>, _ adapters: [LoRA.Target: LowRankUpdate] = [:]) {
    norm = LayerNorm(gain: weights.normGain, bias: weights.normBias)
    attention = ParallelAttention(
      qkv: ColumnParallelLinear(
        weight: weights.qkv,
        adapters: [LoRA.Target.query, .key, .value].compactMap { adapters[$0] }),
      output: RowParallelLinear(weight: weights.attentionOutput, adapter: adapters[.output]))
    feedForward = ParallelFeedForward(
      expand: ColumnParallelLinear(
        weight: weights.feedForwardIn, bias: weights.feedForwardInBias,
        adapters: [adapters[.feedForwardIn]].compactMap(\.self)),
      contract: RowParallelLinear(
        weight: weights.feedForwardOut, adapter: adapters[.feedForwardOut]),
      bias: weights.feedForwardOutBias)
  }

  /// What the backward pass needs beside x.
  struct Saved {
    var h: TensorReference
    var stats: TensorReference
    var attention: ParallelAttention.Saved
    var feedForward: ParallelFeedForward.Saved
  }

  /// y = x + attention(norm(x)) + feed-forward(norm(x)), written over x where `inPlace`.
  func forward(
    _ x: TensorReference, inPlace: Bool = false, dropout: Dropout? = nil, _ step: StepWriter
  ) -> (y: TensorReference, Saved) {
    let (partials, saved) = branches(x, dropout, step)
    let y = close(
      x, partials.attention, partials.feedForward, inPlace: inPlace, dropout: dropout, step)
    return (y, saved)
  }

  /// x plus both branches, their partial sums completed.
  func close(
    _ x: TensorReference, _ attention: TensorReference, _ feedForward: TensorReference,
    inPlace: Bool, dropout: Dropout? = nil, _ step: StepWriter
  ) -> TensorReference {
    let builder = step.builder
    let a = step.allReduce(attention, "attention")
    let f = step.allReduce(feedForward, "feed_forward")
    builder.emit(.addBias, [f, self.feedForward.bias], into: [f])
    dropout?.apply(a, .attentionOutput, step)
    dropout?.apply(f, .feedForwardOutput, step)
    let y =
      inPlace
      ? x : builder.temporary("y", builder[x].shape, step.type, differsOver: .data)
    builder.emit(.add, [x, a, f], into: [y])
    return y
  }

  /// The same as far as a backward pass reads it.
  ///
  /// The reference replays the whole layer; of that, the closing all-reduces are dead, and are replayed only where the plan asks for them.
  func recompute(_ x: TensorReference, dropout: Dropout? = nil, _ step: StepWriter) -> Saved {
    let (partials, saved) = branches(x, dropout, step)
    if step.plan.recomputeClosingCollectives {
      _ = step.allReduce(partials.attention, "attention")
      _ = step.allReduce(partials.feedForward, "feed_forward")
    }
    return saved
  }

  /// Accumulates the gradients of the adapters, and with `gradients` those of all other parameters,
  /// and returns dx (T, D).
  func backward(
    _ dy: TensorReference, input x: TensorReference, _ saved: Saved,
    into gradients: Block<TensorReference>?, dropout: Dropout? = nil, _ step: StepWriter
  ) -> TensorReference {
    let builder = step.builder
    let feedForwardPartial = feedForward.backward(
      dropout?.gradient(dy, .feedForwardOutput, "d_feed_forward", step) ?? dy, input: saved.h,
      saved.feedForward, into: gradients, step)
    let dFeedForward = step.allReduce(feedForwardPartial, "d_norm.feed_forward")
    let attentionPartial = attention.backward(
      dropout?.gradient(dy, .attentionOutput, "d_attention", step) ?? dy, input: saved.h,
      saved.attention, into: gradients, dropout: dropout, step)
    let dAttention = step.allReduce(attentionPartial, "d_norm.attention")
    let shape = builder[x].shape
    let dH = builder.temporary("d_norm", shape, step.type, differsOver: .data)
    builder.emit(.add, [dFeedForward, dAttention], into: [dH])
    let dBranches = norm.backward(
      dH, input: x, stats: saved.stats, into: gradients?.normGain, gradients?.normBias,
      "d_branches", step)
    let dX = builder.temporary("d_x", shape, step.type, differsOver: .data)
    builder.emit(.add, [dBranches, dy], into: [dX])
    return dX
  }

  private func branches(
    _ x: TensorReference, _ dropout: Dropout?, _ step: StepWriter
  ) -> (partials: (attention: TensorReference, feedForward: TensorReference), saved: Saved) {
    let (h, stats) = norm.forward(x, "norm", step)
    let (attentionPartial, attentionSaved) = attention.forward(h, dropout: dropout, step)
    let (feedForwardPartial, feedForwardSaved) = feedForward.forward(h, step)
    let saved = Saved(
      h: h, stats: stats, attention: attentionSaved, feedForward: feedForwardSaved)
    return ((attentionPartial, feedForwardPartial), saved)
  }
}
