/// What packing read and what it had to leave out.
package struct PackingCounts: Equatable, Sendable {
  package var examples = 0
  /// Rows without an answer, which are no examples.
  package var skipped = 0
  /// All tokens of the examples, the dropped ones included.
  package var tokens = 0
  /// The remainders of the batches of examples, too short for a sequence.
  package var droppedTokens = 0
  package var sequences = 0

  package init() {}
}

/// Packs texts into chunks, one after the other, without storing them.
///
/// As the reference's `group_texts` (Graphcore examples, nlp/gpt_j/popxl) and that of run_clm.py
/// (transformers): the ids of 1,000 examples are concatenated and cut; what is left at the end of each
/// 1,000 is dropped. Examples do not know of each other's borders: attention runs across them.
/// Shorter batches are dropped, as in later versions of run_clm.py, not emitted short as in the
/// reference. `counts` speaks of what has been read so far.
package struct PackedStream<Texts: IteratorProtocol>: IteratorProtocol
where Texts.Element == String {
  package let packing: Packing
  package private(set) var counts = PackingCounts()

  private var texts: Texts
  private var encoder: TokenEncoder
  private var ids: [Int32] = []
  private var start = 0
  private let examplesPerBatch: Int

  /// - Parameters:
  ///   - texts: Whole training prompts, `<|endoftext|>` included.
  ///   - tokenizer: What turns them into ids.
  ///   - packing: How long a chunk is.
  ///   - examplesPerBatch: The reference's map batch.
  package init(
    _ texts: Texts, tokenizer: Tokenizer, packing: Packing, examplesPerBatch: Int = 1000
  ) {
    precondition(examplesPerBatch > 0, "a batch of examples has at least one")
    self.texts = texts
    self.packing = packing
    self.examplesPerBatch = examplesPerBatch
    encoder = TokenEncoder(tokenizer)
  }

  /// The next chunk, or nil when the texts are used up.
  package mutating func next() -> ArraySlice<Int32>? {
    while ids.count - start < packing.chunkLength {
      counts.droppedTokens += ids.count - start
      guard readBatch() else { return nil }
    }
    defer { start += packing.chunkLength }
    counts.sequences += 1
    return ids[start..<(start + packing.chunkLength)]
  }

  /// Passes over the next `chunks` chunks, or over all when there are fewer; costs as much as `next`.
  package mutating func skip(_ chunks: Int) {
    var left = chunks
    while left > 0, next() != nil { left -= 1 }
  }

  private mutating func readBatch() -> Bool {
    ids.removeAll(keepingCapacity: true)
    start = 0
    var read = 0
    while read < examplesPerBatch, let text = texts.next() {
      encoder.append(text, to: &ids)
      read += 1
    }
    counts.examples += read
    counts.tokens += ids.count
    return read > 0
  }
}
