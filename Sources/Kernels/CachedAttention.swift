import CKernels

/// Attention of new tokens against what their sequences have cached so far.
///
/// qkv is [rows, 3·heads·headDim] with columns q heads, k heads, v heads. A row's place in the cache
/// is its sequence's number x capacity + its position; a row with a place below 0 has no token.
package struct CachedAttention: Sendable {
  /// Tokens that a sequence may have; a multiple of 16.
  package let capacity: Int
  /// Heads in the buffers, those of one shard.
  package let heads: Int
  package let headDim: Int

  package init(capacity: Int, heads: Int, headDim: Int) {
    precondition(
      capacity > 0 && capacity % 16 == 0 && heads > 0 && headDim > 0,
      "CachedAttention: capacity \(capacity), heads \(heads), headDim \(headDim)")
    self.capacity = capacity
    self.heads = heads
    self.headDim = headDim
  }

  /// Floats of one sequence's keys and values.
  package var floatsPerSequence: Int { 2 * heads * capacity * headDim }

  package var scratchBytes: Int {
    ck_cached_attention_scratch(capacity, headDim) * MemoryLayout<Float>.stride
  }

  /// Writes the rows' keys and values into their places.
  package func append(
    _ qkv: UnsafePointer<Float>, places: UnsafePointer<Int32>,
    to cache: UnsafeMutablePointer<Float>, rows: Range<Int>
  ) {
    ck_cache_append(
      qkv, places, cache, capacity, heads, headDim, rows.lowerBound, rows.count)
  }

  /// One head of these rows' output [rows, heads·headDim], scores scaled by 1 / sqrt(headDim).
  ///
  /// Each row sees its sequence's tokens up to its own, which must be in the cache; a row without a
  /// token gets zeros. Counts, for these (query, key) pairs, 4·headDim FLOPs and one element each;
  /// returns how many they were.
  package func attend(
    _ qkv: UnsafePointer<Float>, cache: UnsafePointer<Float>, places: UnsafePointer<Int32>,
    into output: UnsafeMutablePointer<Float>, rows: Range<Int>, head: Int,
    scratch: UnsafeMutableRawPointer, counters: inout WorkCounters
  ) -> Int {
    let pairs = ck_cached_attention(
      qkv, cache, places, output, capacity, heads, headDim, head, rows.lowerBound, rows.count,
      scratch.assumingMemoryBound(to: Float.self))
    counters.flops += 4 * headDim * pairs
    counters.elements += pairs
    return pairs
  }
}
