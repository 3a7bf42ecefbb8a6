import Program

/// New tokens of several sequences against one layer's cache.
struct CachedRows {
  /// (sequences, heads, 2 x capacity x head size).
  let cache: TensorReference
  /// Where each row's keys and values go.
  let places: TensorReference
  /// The rows that go on after them, and their places; nil for all.
  var selected: (rows: TensorReference, places: TensorReference)?
}

extension TransformerBlock {
  /// y = x + attention(norm(x)) + feed-forward(norm(x)), the new keys and values cached.
  ///
  /// Over x, or (selected rows, D) where only some go on.
  func forward(_ x: TensorReference, _ rows: CachedRows, _ step: StepWriter) -> TensorReference {
    let builder = step.builder
    var (x, places) = (x, rows.places)
    var h = norm.forward(x, "norm", step).y
    var qkv = attention.qkv.forward(h, "qkv", step)
    builder.emit(step.rotary(inverse: false), [qkv, places], into: [qkv])
    builder.emit(.cacheAppend(step.attention), [qkv, places], into: [rows.cache])
    if let selected = rows.selected {
      x = step.select(x, selected.rows, "x.selected")
      h = step.select(h, selected.rows, "norm.selected")
      qkv = step.select(qkv, selected.rows, "qkv.selected")
      places = selected.places
    }
    let shape = step.attention
    let context = builder.temporary(
      "context", [builder[h].rows, shape.heads * shape.headSize], step.type, differsOver: .all)
    builder.emit(.cachedAttention(shape), [qkv, rows.cache, places], into: [context])
    let partials = Partials(
      attention: attention.output.partial(context, "attention", step),
      feedForward: feedForward.contract.partial(
        feedForward.forward(h, step).g, "feed_forward", step))
    return close(x, partials, into: x, step)
  }
}
