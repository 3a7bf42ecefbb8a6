/// Cuts text into the pieces inside which byte pairs may merge: GPT-2's pattern as a scanner.
///
/// The pattern is `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
/// (openai/gpt-2, encoder.py). It is worked on bytes, because Swift's `Character` would glue
/// `\r\n` and combining marks together. Cost: one pass, one table look-up per character.
struct PreTokenizer: Sendable {
  private let classes = UnicodeClass.table

  /// The end of the piece that starts at `start`, both as byte offsets.
  ///
  /// `text` must be valid UTF-8, as the bytes of every `String` are, and `start` inside.
  func endOfPiece(in text: Span<UInt8>, at start: Int) -> Int {
    if text[start] == UInt8(ascii: "'"), let end = endOfContraction(in: text, at: start) {
      return end
    }
    let (first, next) = character(in: text, at: start)
    if text[start] == UInt8(ascii: " "), next < text.count {
      let (second, afterSecond) = character(in: text, at: next)
      if second != .space { return endOfRun(of: second, in: text, from: afterSecond) }
    }
    return first == .space
      ? endOfSpaces(in: text, from: start) : endOfRun(of: first, in: text, from: next)
  }

  /// `'s 't 'm 'd 're 've 'll`, in lower case only, as the pattern has them.
  private func endOfContraction(in text: Span<UInt8>, at start: Int) -> Int? {
    guard start + 1 < text.count else { return nil }
    let first = text[start + 1]
    if "stmd".utf8.contains(first) { return start + 2 }
    guard start + 2 < text.count else { return nil }
    switch (first, text[start + 2]) {
    case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
      (UInt8(ascii: "l"), UInt8(ascii: "l")):
      return start + 3
    default:
      return nil
    }
  }

  private func endOfRun(of kind: UnicodeClass, in text: Span<UInt8>, from start: Int) -> Int {
    var end = start
    while end < text.count {
      let (next, afterNext) = character(in: text, at: end)
      if next != kind { break }
      end = afterNext
    }
    return end
  }

  /// A run of white space leaves its last character to the word that follows it.
  private func endOfSpaces(in text: Span<UInt8>, from start: Int) -> Int {
    var last = start
    var end = start
    while end < text.count {
      let (next, afterNext) = character(in: text, at: end)
      if next != .space { return last > start ? last : end }
      last = end
      end = afterNext
    }
    return end
  }

  /// The class of the character at `index`, and the index after it.
  @inline(__always)
  private func character(in text: Span<UInt8>, at index: Int) -> (UnicodeClass, next: Int) {
    let byte = text[index]
    if byte < 0x80 { return (classes[Int(byte)], index + 1) }
    let length = byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
    var code = Int(byte & 0x7F >> UInt8(length))
    for offset in 1..<length { code = code << 6 | Int(text[index + offset] & 0x3F) }
    return (code < classes.count ? classes[code] : .other, index + length)
  }
}
