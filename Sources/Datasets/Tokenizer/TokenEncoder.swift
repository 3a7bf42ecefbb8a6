/// Encodes many texts with one tokenizer, and remembers the ids of each word it has met.
///
/// A value per thread: the memory is the only state, and it never changes what comes out.
package struct TokenEncoder: Sendable {
  package let tokenizer: Tokenizer
  private let preTokenizer = PreTokenizer()
  private var memory: WordMemory
  private var merger = PieceMerger()

  package init(_ tokenizer: Tokenizer) {
    // 2^15 slots, a megabyte: it stays in a core's second cache.
    self.init(tokenizer, slots: 15)
  }

  init(_ tokenizer: Tokenizer, slots: UInt64) {
    self.tokenizer = tokenizer
    memory = WordMemory(slots: slots)
  }

  package mutating func encode(_ text: String) -> [Int32] {
    var ids: [Int32] = []
    append(text, to: &ids)
    return ids
  }

  /// Appends the ids of `text` to `ids`.
  package mutating func append(_ text: String, to ids: inout [Int32]) {
    append(utf8: text.utf8Span.span, to: &ids)
  }

  /// Appends the ids of a text that is valid UTF-8.
  ///
  /// Cost: linear in the text but for pieces of n bytes that were not met yet, n log n each.
  package mutating func append(utf8 text: Span<UInt8>, to ids: inout [Int32]) {
    var start = 0
    while let (id, range) = tokenizer.specials.first(in: text, from: start) {
      appendOrdinary(text.extracting(start..<range.lowerBound), to: &ids)
      ids.append(id)
      start = range.upperBound
    }
    appendOrdinary(text.extracting(start...), to: &ids)
  }

  /// Appends text that holds no special token: its neighbours are not seen by the pattern.
  private mutating func appendOrdinary(_ text: Span<UInt8>, to ids: inout [Int32]) {
    var start = 0
    while start < text.count {
      let end = preTokenizer.endOfPiece(in: text, at: start)
      let key = WordMemory.key(text, start..<end)
      if let key, memory.append(key, to: &ids) {
        start = end
        continue
      }
      let known = ids.count
      merger.append(text.extracting(start..<end), tokenizer, to: &ids)
      if let key { memory.remember(key, ids[known...]) }
      start = end
    }
  }
}
