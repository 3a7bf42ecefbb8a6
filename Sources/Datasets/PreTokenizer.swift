/// Cuts text into the pieces inside which byte pairs may merge: GPT-2's pattern as a scanner.
///
/// The pattern is `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
/// (openai/gpt-2, encoder.py). It is worked on bytes, because Swift's `Character` would glue
/// `\r\n` and combining marks together. Cost: one pass, one table look-up per ASCII byte.
struct PreTokenizer {
  private let text: [UInt8]

  /// `text` must be valid UTF-8, as the bytes of every `String` are.
  init(_ text: [UInt8]) {
    self.text = text
  }

  /// The end of the piece that starts at `start`, both as byte offsets; `start` must be inside.
  func endOfPiece(at start: Int) -> Int {
    if let end = endOfContraction(at: start) { return end }
    let (first, next) = kind(at: start)
    if text[start] == UInt8(ascii: " "), next < text.count {
      let (second, afterSecond) = kind(at: next)
      if second != .space { return endOfRun(of: second, from: afterSecond) }
    }
    return first == .space ? endOfSpaces(from: start) : endOfRun(of: first, from: next)
  }

  /// `'s 't 'm 'd 're 've 'll`, in lower case only, as the pattern has them.
  private func endOfContraction(at start: Int) -> Int? {
    guard text[start] == UInt8(ascii: "'"), start + 1 < text.count else { return nil }
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

  private func endOfRun(of kind: Kind, from start: Int) -> Int {
    var end = start
    while end < text.count {
      let (next, afterNext) = self.kind(at: end)
      if next != kind { break }
      end = afterNext
    }
    return end
  }

  /// A run of white space leaves its last character to the word that follows it.
  private func endOfSpaces(from start: Int) -> Int {
    var last = start
    var end = start
    while end < text.count {
      let (next, afterNext) = kind(at: end)
      if next != .space { return last > start ? last : end }
      last = end
      end = afterNext
    }
    return end
  }

  /// The class of the character at `index`, and the index after it.
  private func kind(at index: Int) -> (Kind, next: Int) {
    let byte = text[index]
    if byte < 0x80 { return (Kind.ofASCII[Int(byte)], index + 1) }
    let length = byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
    var value = UInt32(byte) & (0x7F >> UInt32(length))
    for offset in 1..<length { value = value << 6 | UInt32(text[index + offset] & 0x3F) }
    return (Unicode.Scalar(value).map(Kind.init) ?? .other, index + length)
  }
}

extension PreTokenizer {
  /// The four classes that the pattern tells apart.
  enum Kind: Sendable {
    case letter, number, space, other

    static let ofASCII = (UInt8(0)..<128).map { Kind(Unicode.Scalar($0)) }

    /// By the Unicode version of the Swift standard library.
    init(_ scalar: Unicode.Scalar) {
      switch scalar.properties.generalCategory {
      case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
        self = .letter
      case .decimalNumber, .letterNumber, .otherNumber:
        self = .number
      default:
        self = scalar.properties.isWhitespace ? .space : .other
      }
    }
  }
}
