/// Decodes ids as they come, and holds back the bytes of a character that is not yet whole.
///
/// The texts together are what `Tokenizer.decode` gives for all ids at once.
package struct TokenDecoder: Sendable {
  private let tokenizer: Tokenizer
  private var bytes: [UInt8] = []

  package init(_ tokenizer: Tokenizer) {
    self.tokenizer = tokenizer
  }

  /// The text that is certain after one more id; empty while a character is not whole.
  package mutating func decode(_ id: Int32) -> String {
    tokenizer.append(id, to: &bytes)
    let held = Self.unfinished(bytes)
    defer { bytes.removeFirst(bytes.count - held) }
    return String(decoding: bytes.dropLast(held), as: UTF8.self)
  }

  /// The text of what was held back, as U+FFFD; the decoder is then as new.
  package mutating func finish() -> String {
    defer { bytes.removeAll() }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// How many bytes at the end may be the beginning of a character, at most 3.
  private static func unfinished(_ bytes: [UInt8]) -> Int {
    for (index, byte) in bytes.suffix(3).reversed().enumerated() {
      if byte < 0x80 { return 0 }
      // The first byte says how many follow it: 1 from C0 on, 2 from E0, 3 from F0.
      if byte >= 0xC0 { return index < (byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3) ? index + 1 : 0 }
    }
    return 0
  }
}
