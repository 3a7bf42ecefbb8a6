import CKernels

/// The best token so far while going over the shards of a row of logits.
package struct ArgMax: Equatable, Sendable {
  package var logit: Float
  /// Global token id.
  package var token: Int

  /// The best of one shard's row, the lowest id on a tie; -infinity without valid columns.
  ///
  /// Counts validColumns elements.
  package init(
    _ row: UnsafeRawPointer, shard: LogitsShard, as format: ElementFormat = .float32,
    counters: inout WorkCounters
  ) {
    counters.elements += shard.validColumns
    var best: Float = 0
    token = shard.firstColumn + ck_argmax(format.rawValue, row, shard.validColumns, &best)
    logit = best
  }

  /// The better of two shards, the lower id on a tie.
  package func merged(with other: ArgMax) -> ArgMax {
    if other.logit != logit { return other.logit > logit ? other : self }
    return other.token < token ? other : self
  }
}
