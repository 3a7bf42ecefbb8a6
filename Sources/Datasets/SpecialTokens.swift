/// The tokens that are cut out of a text before anything else looks at it.
struct SpecialTokens: Sendable {
  /// Longest first.
  let all: [(bytes: [UInt8], id: Int32)]
  private let startsToken: [Bool]

  init(_ ids: [String: Int]) {
    // Longest first: `<|x|>y` wins over `<|x|>` where both fit.
    all = ids.map { (Array($0.key.utf8), Int32($0.value)) }
      .sorted { ($1.0.count, $0.1) < ($0.0.count, $1.1) }
    var starts = [Bool](repeating: false, count: 256)
    for token in all { starts[Int(token.bytes[0])] = true }
    startsToken = starts
  }

  /// The longest special token that starts exactly at `index`.
  func match(in text: [UInt8], at index: Int) -> (id: Int32, end: Int)? {
    guard startsToken[Int(text[index])] else { return nil }
    for (bytes, id) in all where text[index...].starts(with: bytes) {
      return (id, index + bytes.count)
    }
    return nil
  }
}
