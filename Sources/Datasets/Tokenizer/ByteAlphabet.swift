/// GPT-2's printable stand-ins for the 256 bytes, as vocabulary files spell them.
///
/// Bytes that print (`!` to `~`, `¡` to `¬`, `®` to `ÿ`) stand for themselves; the other 68 take
/// U+0100 onwards in order, so that a space is `Ġ`. Source: openai/gpt-2, encoder.py,
/// `bytes_to_unicode`.
enum ByteAlphabet {
  /// The bytes in the order of GPT-2's first 256 ids: the printing ones, then the rest.
  static let order: [UInt8] = printing + (0...255).filter { !printing.contains($0) }

  /// Index is a byte, value its stand-in.
  static let scalars: [Unicode.Scalar] = {
    var table = [Unicode.Scalar](repeating: "?", count: 256)
    var spare: UInt8 = 0
    for byte in order {
      if printing.contains(byte) {
        table[Int(byte)] = Unicode.Scalar(byte)
      } else {
        // U+0100 + spare: the two 8-bit halves make every such scalar valid.
        table[Int(byte)] = Unicode.Scalar(UInt16(0x0100) + UInt16(spare)) ?? "?"
        spare += 1
      }
    }
    return table
  }()

  private static let printing: [UInt8] =
    Array(0x21...0x7E) + Array(0xA1...0xAC) + Array(0xAE...0xFF)

  private static let bytes = Dictionary(
    uniqueKeysWithValues: scalars.enumerated().map { ($1, UInt8($0)) })

  /// Spells bytes as a vocabulary file does.
  static func spell(_ bytes: some Sequence<UInt8>) -> String {
    var text = String.UnicodeScalarView()
    for byte in bytes { text.append(scalars[Int(byte)]) }
    return String(text)
  }

  /// The bytes behind a spelling; nil when a character stands for no byte.
  static func bytes(of spelling: some StringProtocol) -> [UInt8]? {
    var result: [UInt8] = []
    result.reserveCapacity(spelling.unicodeScalars.count)
    for scalar in spelling.unicodeScalars {
      guard let byte = bytes[scalar] else { return nil }
      result.append(byte)
    }
    return result
  }
}
