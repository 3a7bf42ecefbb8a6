/// The tokens that are cut out of a text before anything else looks at it.
struct SpecialTokens: Sendable {
  /// Longest first.
  private let all: [(bytes: [UInt8], id: Int32)]
  /// Whether a token begins with a byte.
  private let begins: [Bool]

  init(_ ids: [String: Int]) {
    // Longest first: `<|x|>y` wins over `<|x|>` where both fit.
    all = ids.map { (Array($0.key.utf8), Int32($0.value)) }
      .sorted { ($1.0.count, $0.1) < ($0.0.count, $1.1) }
    let starts = Set(all.map { $0.bytes[0] })
    begins = (UInt8.min...UInt8.max).map(starts.contains)
  }

  /// The first special token from `start` on: the leftmost, of these the longest.
  func first(in text: Span<UInt8>, from start: Int) -> (id: Int32, range: Range<Int>)? {
    for index in start..<text.count where begins[Int(text[index])] {
      for (bytes, id) in all where Self.text(text, at: index, startsWith: bytes) {
        return (id, index..<index + bytes.count)
      }
    }
    return nil
  }

  private static func text(_ text: Span<UInt8>, at index: Int, startsWith bytes: [UInt8]) -> Bool {
    guard bytes.count <= text.count - index else { return false }
    for offset in bytes.indices where text[index + offset] != bytes[offset] { return false }
    return true
  }
}
