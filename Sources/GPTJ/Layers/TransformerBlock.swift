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

  /// A rank's parts of both branches' outputs (T, D) before their sums over the group.
  struct Partials {
    var attention: TensorReference
    var feedForward: TensorReference
  }

  /// y = x + attention(norm(x)) + feed-forward(norm(x)), written into `y` where that is given, which
  /// may be x.
  func forward(
    _ x: TensorReference, into y: TensorReference? = nil, dropout: Dropout? = nil,
    _ step: StepWriter
  ) -> (y: TensorReference, Saved) {
    let (h, stats) = norm(x, step)
    let attentionSaved = attention.forward(h, dropout: dropout, step)
    let attentionPartial = attention.output.partial(attentionSaved.context, "attention", step)
    let feedForwardSaved = feedForward.forward(h, step)
    // Masks are the branches' own, so with dropout they are added only after that.
    let partials = Partials(
      attention: attentionPartial,
      feedForward: feedForward.contract.partial(
        feedForwardSaved.g, addingTo: fuses(step) && dropout == nil ? attentionPartial : nil,
        "feed_forward", step))
    let saved = Saved(
      h: h, stats: stats, attention: attentionSaved, feedForward: feedForwardSaved)
    return (close(x, partials, into: y, dropout: dropout, step), saved)
  }

  /// The same as far as a backward pass reads it.
  ///
  /// The reference replays the whole layer; of that, the closing all-reduces are dead, and are
  /// replayed only where the plan asks for them, and so are the closing products.
  func recompute(_ x: TensorReference, dropout: Dropout? = nil, _ step: StepWriter) -> Saved {
    let (h, stats) = norm(x, step)
    let replaysAll = step.plan.recompute == .full
    let closes = replaysAll && step.plan.recomputeClosingCollectives
    let attentionSaved = attention.forward(h, dropout: dropout, step)
    let first =
      replaysAll ? attention.output.partial(attentionSaved.context, "attention", step) : nil
    let feedForwardSaved = feedForward.forward(h, step)
    let second =
      replaysAll
      ? feedForward.contract.partial(
        feedForwardSaved.g, addingTo: fuses(step) ? first : nil, "feed_forward", step) : nil
    if closes, let first, first != second { _ = step.completed(first, "attention") }
    if closes, let second { _ = step.completed(second, "feed_forward") }
    return Saved(h: h, stats: stats, attention: attentionSaved, feedForward: feedForwardSaved)
  }

  /// Norm(x), whole on every rank, and its statistics.
  func norm(_ x: TensorReference, _ step: StepWriter) -> (h: TensorReference, TensorReference) {
    let (rows, stats) = norm.forward(x, "norm", step)
    return (step.whole(rows, "norm.whole"), stats)
  }

  /// x plus both branches, their partial sums completed.
  func close(
    _ x: TensorReference, _ partials: Partials, into given: TensorReference?,
    dropout: Dropout? = nil, _ step: StepWriter
  ) -> TensorReference {
    let builder = step.builder
    let y =
      given
      ?? builder.temporary("y", builder[x].shape, step.type, differsOver: builder[x].differsOver)
    if fuses(step) {
      let sum = step.completed(sum(partials, dropout, step), "branches")
      if dropout == nil { builder.emit(.addBias, [sum, feedForward.bias], into: [sum]) }
      builder.emit(.add, [x, sum], into: [y])
      return y
    }
    let a = step.completed(partials.attention, "attention")
    let f = step.completed(partials.feedForward, "feed_forward")
    builder.emit(.addBias, [f, feedForward.bias], into: [f])
    dropout?.apply(a, .attentionOutput, step)
    dropout?.apply(f, .feedForwardOutput, step)
    builder.emit(.add, [x, a, f], into: [y])
    return y
  }

  /// Accumulates the gradients of the adapters, and with `gradients` those of all other parameters,
  /// and returns dx like x, written into `given` where that is given, which may be dy.
  func backward(
    _ dy: TensorReference, input x: TensorReference, _ saved: Saved,
    into gradients: Block<TensorReference>?, _ given: TensorReference? = nil,
    dropout: Dropout? = nil, _ step: StepWriter
  ) -> TensorReference {
    let builder = step.builder
    let dH = branchesBackward(
      step.whole(dy, "d_y.whole"), saved, into: gradients, dropout: dropout, step)
    let dBranches = norm.backward(
      dH, input: x, stats: saved.stats, into: gradients?.normGain, gradients?.normBias,
      "d_branches", step)
    let dX =
      given
      ?? builder.temporary(
        "d_x", builder[x].shape, step.type, differsOver: builder[x].differsOver)
    builder.emit(.add, [dBranches, dy], into: [dX])
    return dX
  }

  /// The gradient of the norm's output through both branches, like x.
  private func branchesBackward(
    _ dy: TensorReference, _ saved: Saved, into gradients: Block<TensorReference>?,
    dropout: Dropout?, _ step: StepWriter
  ) -> TensorReference {
    let feedForwardPartial = feedForward.backward(
      dropout?.gradient(dy, .feedForwardOutput, "d_feed_forward", step) ?? dy, input: saved.h,
      saved.feedForward, into: gradients, step)
    let dFeedForward =
      fuses(step) ? nil : step.completed(feedForwardPartial, "d_norm.feed_forward")
    let attentionPartial = attention.backward(
      dropout?.gradient(dy, .attentionOutput, "d_attention", step) ?? dy, input: saved.h,
      saved.attention, into: gradients, dropout: dropout,
      addingTo: fuses(step) ? feedForwardPartial : nil, step)
    let dAttention = step.completed(attentionPartial, "d_norm.attention")
    guard let dFeedForward else { return dAttention }
    let dH = step.builder.temporary(
      "d_norm", step.builder[dAttention].shape, step.type,
      differsOver: step.builder[dAttention].differsOver)
    step.builder.emit(.add, [dFeedForward, dAttention], into: [dH])
    return dH
  }

  private func fuses(_ step: StepWriter) -> Bool {
    step.plan.rewrites.fusesAllReduces && step.isParallel(.tensor)
  }

  /// Both branches' parts in one.
  ///
  /// Masks are linear, so each falls on a branch's part as it would on its sum; a bias that is
  /// masked goes in before, each rank's share of it.
  private func sum(
    _ partials: Partials, _ dropout: Dropout?, _ step: StepWriter
  ) -> TensorReference {
    guard let dropout else { return partials.feedForward }
    let builder = step.builder
    let (a, f) = (partials.attention, partials.feedForward)
    let share = builder.temporary(
      "feed_forward.bias.share", [1, step.model.hiddenSize],
      builder[feedForward.bias].elementType, differsOver: [])
    builder.emit(
      .scaledColumns(factor: 1 / Double(step.plan.tensorParallel), first: 0), [feedForward.bias],
      into: [share])
    builder.emit(.addBias, [f, share], into: [f])
    dropout.apply(a, .attentionOutput, step)
    dropout.apply(f, .feedForwardOutput, step)
    builder.emit(.add, [a, f], into: [a])
    return a
  }
}
