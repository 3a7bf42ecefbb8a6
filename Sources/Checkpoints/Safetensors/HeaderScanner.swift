/// Reads JSON as strictly as a safetensors header needs it: objects, arrays, strings, counts.
///
/// Not JSONDecoder, which keeps one of two equal keys in silence and takes 4.0 for 4.
struct HeaderScanner {
  private let file: String
  private let bytes: [UInt8]
  /// Where `bytes` begins in the file, so that errors give the file's own offsets.
  private let start: Int
  private var position = 0

  init(_ bytes: [UInt8], startingAt start: Int, file: String) {
    self.file = file
    self.bytes = bytes
    self.start = start
  }

  /// Reads `{"key": value, ...}`; `member` is called behind each colon and reads the value.
  mutating func object(
    _ member: (inout HeaderScanner, String) throws(CheckpointError) -> Void
  ) throws(CheckpointError) {
    var keys: Set<String> = []
    try list(from: "{", to: "}") { scanner throws(CheckpointError) in
      let byte = scanner.position
      let key = try scanner.string()
      guard keys.insert(key).inserted else {
        throw scanner.failure("each key once, but \(quoted(key)) is repeated", at: byte)
      }
      try scanner.take(":")
      try member(&scanner, key)
    }
  }

  mutating func counts() throws(CheckpointError) -> [Int] {
    var counts: [Int] = []
    try list(from: "[", to: "]") { scanner throws(CheckpointError) in
      counts.append(try scanner.count())
    }
    return counts
  }

  mutating func string() throws(CheckpointError) -> String {
    try take("\"")
    let begin = position
    var text: [UInt8] = []
    while true {
      switch next() {
      case nil: throw failure("the end of the string")
      case UInt8(ascii: "\""):
        if let string = String(validating: text, as: UTF8.self) { return string }
        throw failure("valid UTF-8 in a string", at: begin)
      case UInt8(ascii: "\\"): text += try escape()
      case let byte? where byte < 0x20:
        throw failure("no control character in a string", at: position - 1)
      case let byte?: text.append(byte)
      }
    }
  }

  /// Only spaces may follow the header's object.
  mutating func end() throws(CheckpointError) {
    skipSpace()
    if position < bytes.count { throw failure("only spaces behind the last }", at: position) }
  }

  func failure(_ expected: String) -> CheckpointError { failure(expected, at: position) }

  private func failure(_ expected: String, at position: Int) -> CheckpointError {
    .malformedHeader(file: file, byte: start + position, expected: expected)
  }
}

extension HeaderScanner {
  private mutating func list(
    from open: Unicode.Scalar, to close: Unicode.Scalar,
    _ element: (inout HeaderScanner) throws(CheckpointError) -> Void
  ) throws(CheckpointError) {
    try take(open)
    if takeIfPresent(close) { return }
    repeat {
      skipSpace()
      try element(&self)
    } while takeIfPresent(",")
    try take(close)
  }

  /// Digits only: no sign, no leading zero, no fraction, at most `Int.max`.
  private mutating func count() throws(CheckpointError) -> Int {
    skipSpace()
    let begin = position
    while position < bytes.count, (0x30...0x39).contains(bytes[position]) { position += 1 }
    let digits = bytes[begin..<position]
    let isPlain = digits.count == 1 || digits.first != UInt8(ascii: "0")
    guard isPlain, let count = Int(String(decoding: digits, as: UTF8.self)) else {
      throw failure("a whole number from 0 to \(Int.max)", at: begin)
    }
    return count
  }

  /// The UTF-8 of one escape, behind its backslash.
  private mutating func escape() throws(CheckpointError) -> [UInt8] {
    let begin = position - 1
    switch next().map(Unicode.Scalar.init) {
    case "\"": return [UInt8(ascii: "\"")]
    case "\\": return [UInt8(ascii: "\\")]
    case "/": return [UInt8(ascii: "/")]
    case "b": return [0x08]
    case "f": return [0x0C]
    case "n": return [0x0A]
    case "r": return [0x0D]
    case "t": return [0x09]
    case "u": if let scalar = unicodeEscape() { return Array(String(scalar).utf8) }
    default: break
    }
    throw failure("a JSON escape", at: begin)
  }

  /// A scalar from `XXXX`, or from the surrogates `XXXX\uXXXX`.
  private mutating func unicodeEscape() -> Unicode.Scalar? {
    guard let first = hexadecimal() else { return nil }
    guard (0xD800..<0xDC00).contains(first) else { return Unicode.Scalar(first) }
    guard next() == UInt8(ascii: "\\"), next() == UInt8(ascii: "u"), let second = hexadecimal(),
      (0xDC00..<0xE000).contains(second)
    else { return nil }
    return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
  }

  private mutating func hexadecimal() -> UInt32? {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next(), let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        return nil
      }
      value = value << 4 | UInt32(digit)
    }
    return value
  }

  private mutating func take(_ scalar: Unicode.Scalar) throws(CheckpointError) {
    if !takeIfPresent(scalar) { throw failure("\(Character(scalar))", at: position) }
  }

  private mutating func takeIfPresent(_ scalar: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < bytes.count, bytes[position] == UInt8(ascii: scalar) else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() {
    while position < bytes.count, isSpace(bytes[position]) { position += 1 }
  }

  private mutating func next() -> UInt8? {
    guard position < bytes.count else { return nil }
    defer { position += 1 }
    return bytes[position]
  }
}

private func isSpace(_ byte: UInt8) -> Bool {
  byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
}
