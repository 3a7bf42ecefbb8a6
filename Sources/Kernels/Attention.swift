import CKernels

/// Causal attention without the T x T matrix, one (sequence, head) per call.
///
/// qkv and dqkv are [tokens, 3·heads·headDim] with columns q heads, k heads, v heads; the output is
/// [tokens, heads·headDim], logSumExp [tokens, heads]; tokens = sequences x sequence. Work goes by
/// tiles of 32 queries x 32 keys; tiles above the diagonal are skipped, the one on it is done whole.
/// Bfloat16 is widened, or multiplied as it is on the path that says so, which narrows probabilities
/// and the gradients of scores as operands; all sums and statistics are float32.
package struct Attention: Sendable {
  package let sequence: Int
  /// Heads in the buffers, those of one shard.
  package let heads: Int
  package let headDim: Int

  package init(sequence: Int, heads: Int, headDim: Int) {
    precondition(sequence > 0 && heads > 0 && headDim > 0, "Attention: a size is not positive")
    self.sequence = sequence
    self.heads = heads
    self.headDim = headDim
  }

  package var forwardScratchBytes: Int {
    ck_attention_forward_scratch(sequence, headDim) * MemoryLayout<Float>.stride
  }

  package var backwardScratchBytes: Int {
    ck_attention_backward_scratch(sequence, headDim) * MemoryLayout<Float>.stride
  }

  /// One head's output rows and log-sum-exp, scores scaled by 1 / sqrt(headDim).
  ///
  /// Counts, for the (query, key) pairs of the tiles visited, 4·headDim FLOPs and one element each.
  /// `dropout` is of the probabilities: its rows are keys, its columns queries.
  package func forward(
    _ qkv: UnsafeRawPointer, into output: UnsafeMutableRawPointer,
    logSumExp: UnsafeMutablePointer<Float>, sequenceIndex: Int, head: Int,
    dropout: Dropout? = nil, scratch: UnsafeMutableRawPointer,
    as format: ElementFormat = .float32, counters: inout WorkCounters
  ) {
    let pairs = Dropout.withConstants(of: dropout) {
      ck_attention_forward(
        format.rawValue, qkv, output, logSumExp, sequence, heads, headDim, sequenceIndex, head, $0,
        scratch.assumingMemoryBound(to: Float.self))
    }
    counters.flops += 4 * headDim * pairs
    counters.elements += pairs
  }

  /// One head's dq, dk and dv (written, not added), the probabilities recomputed.
  ///
  /// Counts, for the pairs of the tiles visited, 10·headDim FLOPs and one element each.
  /// `dropout` is that of the forward pass.
  package func backward(
    _ dOutput: UnsafeRawPointer, qkv: UnsafeRawPointer, output: UnsafeRawPointer,
    logSumExp: UnsafePointer<Float>, into dqkv: UnsafeMutableRawPointer, sequenceIndex: Int,
    head: Int, dropout: Dropout? = nil, scratch: UnsafeMutableRawPointer,
    as format: ElementFormat = .float32, counters: inout WorkCounters
  ) {
    let pairs = Dropout.withConstants(of: dropout) {
      ck_attention_backward(
        format.rawValue, qkv, output, logSumExp, dOutput, dqkv, sequence, heads, headDim,
        sequenceIndex, head, $0,
        scratch.assumingMemoryBound(to: Float.self))
    }
    counters.flops += 10 * headDim * pairs
    counters.elements += pairs
  }
}

extension Attention {
  /// One pass of attention over one (sequence, head).
  package enum Pass: CaseIterable, Sendable {
    case forward
    case backward

    /// Products per pass, the scores recomputed in backward; each costs 2·headDim per pair.
    var products: Int { self == .forward ? 2 : 5 }
  }

  /// FLOPs of the full square of one (sequence, head): what executed and skipped add up to.
  package static func nominalFlops(_ pass: Pass, sequence: Int, headDim: Int) -> Int {
    2 * pass.products * sequence * sequence * headDim
  }

  /// FLOPs of the tiles above the diagonal, which one (sequence, head) never computes.
  package static func skippedFlops(_ pass: Pass, sequence: Int, headDim: Int) -> Int {
    2 * pass.products * skippedPairs(sequence: sequence) * headDim
  }

  /// (query, key) pairs in tiles above the diagonal: to each row of tiles, all later columns.
  package static func skippedPairs(sequence: Int) -> Int {
    let tile = 32  // CK_TILE of attention.c
    return stride(from: tile, to: sequence, by: tile).reduce(0) { $0 + tile * (sequence - $1) }
  }
}
