/// The tokens that are cut out of a text before anything else looks at it.
struct SpecialTokens: Sendable {
  /// In order of their bytes, so that tokens with the same beginning lie side by side.
  private let all: [(bytes: [UInt8], id: Int32)]
  /// Whether a token begins with a byte.
  private let begins: [Bool]

  init(_ ids: [String: Int]) {
    all = ids.map { (Array($0.key.utf8), Int32($0.value)) }
      .sorted { $0.0.lexicographicallyPrecedes($1.0) }
    let starts = Set(all.map { $0.bytes[0] })
    begins = (UInt8.min...UInt8.max).map(starts.contains)
  }

  /// The first special token from `start` on: the leftmost, of these the longest.
  func first(in text: Span<UInt8>, from start: Int) -> (id: Int32, range: Range<Int>)? {
    for index in start..<text.count where begins[Int(text[index])] {
      if let (id, end) = longest(in: text, at: index) { return (id, index..<end) }
    }
    return nil
  }

  /// Follows the text through the tokens that begin like it: a few steps even if there are a million.
  private func longest(in text: Span<UInt8>, at start: Int) -> (id: Int32, end: Int)? {
    var longest: (id: Int32, end: Int)?
    var candidates = all[...]
    var end = start
    while let first = candidates.first {
      // What is as long as the text that was read comes before all that is longer.
      if first.bytes.count == end - start {
        longest = (first.id, end)
        candidates.removeFirst()
      }
      guard end < text.count else { break }
      let (byte, depth) = (text[end], end - start)
      candidates = candidates[Self.partition(candidates) { $0.bytes[depth] < byte }...]
      candidates = candidates[..<Self.partition(candidates) { $0.bytes[depth] == byte }]
      end += 1
    }
    return longest
  }

  /// The index of the first token that is not `below`; those that are come first.
  private static func partition(
    _ tokens: ArraySlice<(bytes: [UInt8], id: Int32)>,
    _ below: ((bytes: [UInt8], id: Int32)) -> Bool
  ) -> Int {
    var (low, high) = (tokens.startIndex, tokens.endIndex)
    while low < high {
      let middle = low + (high - low) / 2
      if below(tokens[middle]) { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
