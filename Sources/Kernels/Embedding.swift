import CKernels

/// Token embedding on one shard of the vocabulary: global ids first ..< first + rows.
package enum Embedding {
  /// out[token] = table[id - first] for the given tokens, zero for ids of other shards.
  ///
  /// Counts tokens x width elements.
  package static func gather(
    _ ids: UnsafePointer<Int32>, table: UnsafeRawPointer,
    into out: UnsafeMutableRawPointer, tokens: Range<Int>, width: Int, shard: Range<Int>,
    as format: ElementFormat = .float32, counters: inout WorkCounters
  ) {
    counters.elements += tokens.count * width
    ck_embedding_gather(
      format.rawValue, ids, table, out, tokens.lowerBound, tokens.count, width, shard.lowerBound,
      shard.count)
  }

  /// dTable[row], of the format's `ofSums`, += dx[token], in token order, for `rows` (counted within
  /// the shard).
  ///
  /// Several workers cut `rows`, each reads all ids. Counts width elements for each token whose id
  /// is in `rows`.
  package static func gradient(
    _ ids: UnsafePointer<Int32>, dx: UnsafeRawPointer,
    into dTable: UnsafeMutableRawPointer, tokens: Int, width: Int, shard: Range<Int>,
    rows: Range<Int>, as format: ElementFormat = .float32, counters: inout WorkCounters
  ) {
    precondition(rows.upperBound <= shard.count, "Embedding: rows end beyond the shard")
    let hits = ck_embedding_gradient(
      format.rawValue, ids, dx, dTable, tokens, width, shard.lowerBound, rows.lowerBound, rows.count
    )
    counters.elements += hits * width
  }
}
