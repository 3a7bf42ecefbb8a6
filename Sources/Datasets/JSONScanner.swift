/// Walks through JSON text value by value, for files whose errors must name the line.
///
/// Its own scanner instead of a general decoder, because a key given twice must be an error too.
/// Nothing in it recurses, so deep nesting costs no stack. Accepts UTF-8 and `\u` escapes alike;
/// both are in circulation.
struct JSONScanner {
  private let bytes: [UInt8]
  private let name: String
  private var index = 0

  /// `name` is the file for error messages.
  init(_ bytes: [UInt8], name: String) {
    self.bytes = bytes
    self.name = name
  }

  /// Reads one object, calling `member` after each key; it must read the value.
  mutating func object(
    _ what: String,
    _ member: (inout JSONScanner, String) throws(DatasetsError) -> Void
  ) throws(DatasetsError) {
    try expect("{", what)
    if closes("}") { return }
    var keys: Set<String> = []
    repeat {
      skipSpace()
      let start = index
      let key = try string()
      guard keys.insert(key).inserted else {
        index = start
        throw problem("'\(key)' is given twice")
      }
      try expect(":", "':' after '\(key)'")
      try member(&self, key)
    } while try commaFollows(or: "}")
  }

  /// Reads one array, calling `element` for each element; it must read the value.
  mutating func array(
    _ what: String, _ element: (inout JSONScanner) throws(DatasetsError) -> Void
  ) throws(DatasetsError) {
    try expect("[", what)
    if closes("]") { return }
    repeat { try element(&self) } while try commaFollows(or: "]")
  }

  /// Checks that nothing but space follows.
  mutating func end() throws(DatasetsError) {
    skipSpace()
    guard current == nil else { throw problem("text after the closing '}'") }
  }

  /// Whether a string comes next.
  mutating func stringFollows() -> Bool {
    skipSpace()
    return current == UInt8(ascii: "\"")
  }

  /// Whether `null` comes next.
  mutating func nullFollows() -> Bool {
    skipSpace()
    return current == UInt8(ascii: "n")
  }

  /// Reads a whole number from 0; `subject` is whose it is, for the error.
  mutating func integer(_ subject: String) throws(DatasetsError) -> Int {
    skipSpace()
    let start = index
    skipLiteral()
    let text = String(decoding: bytes[start..<index], as: UTF8.self)
    guard let number = Int(text), number >= 0, text.utf8.first != UInt8(ascii: "+") else {
      throw problem("\(subject) must be a whole number, not '\(text.prefix(40))'")
    }
    return number
  }

  /// Reads a value that must be spelled as one of `choices`.
  mutating func require(_ key: String, _ choices: String...) throws(DatasetsError) {
    skipSpace()
    let start = index
    try skipValue()
    let text = String(decoding: bytes[start..<index], as: UTF8.self)
    guard choices.contains(text) else {
      index = start
      throw problem(
        "'\(key)' must be \(choices.joined(separator: " or ")), not \(text.prefix(40))")
    }
  }

  /// Passes over a value without keeping it; of its grammar only strings and nesting are checked.
  mutating func skipValue() throws(DatasetsError) {
    skipSpace()
    var depth = 0
    repeat {
      guard let byte = current else { throw problem("the file ends inside a value") }
      switch byte {
      case UInt8(ascii: "\""): _ = try string()
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        index += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        guard depth > 0 else { throw problem("expected a value, found \(found)") }
        depth -= 1
        index += 1
      case UInt8(ascii: ","), UInt8(ascii: ":"):
        guard depth > 0 else { throw problem("expected a value, found \(found)") }
        index += 1
      default: skipLiteral()
      }
      if depth > 0 { skipSpace() }
    } while depth > 0
  }

  /// An error at the current place; lines are counted only now, when one is needed.
  func problem(_ text: String) -> DatasetsError {
    let line = 1 + bytes.prefix(index).count { $0 == 0x0A }
    return .malformed(file: name, line: line, problem: text)
  }
}

extension JSONScanner {
  /// Reads one string.
  mutating func string() throws(DatasetsError) -> String {
    try expect("\"", "a string in double quotes")
    var text: [UInt8] = []
    while let byte = current, byte != UInt8(ascii: "\"") {
      if byte < 0x20 { throw problem("a string ends at a control character; is a '\"' missing?") }
      index += 1
      if byte == UInt8(ascii: "\\") {
        try escape(into: &text)
      } else {
        text.append(byte)
      }
    }
    guard current != nil else {
      throw problem("expected '\"' at the end of a string, found \(found)")
    }
    index += 1
    guard let string = String(validating: text, as: UTF8.self) else {
      throw problem("the string is not valid UTF-8")
    }
    return string
  }

  private mutating func escape(into text: inout [UInt8]) throws(DatasetsError) {
    guard let byte = current else { throw problem("the file ends inside a string") }
    index += 1
    switch byte {
    case UInt8(ascii: "u"): text += Array(String(try escapedScalar()).utf8)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    default: throw problem("unknown escape '\\\(Unicode.Scalar(byte))' in a string")
    }
  }

  /// The scalar of `\uXXXX`, or of the two of them that make a surrogate pair.
  private mutating func escapedScalar() throws(DatasetsError) -> Unicode.Scalar {
    let first = try hexadecimal()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard first < 0xDC00, bytes[index...].starts(with: Array("\\u".utf8)) else {
      throw problem("half a surrogate pair in a string")
    }
    index += 2
    let second = try hexadecimal()
    guard (0xDC00..<0xE000).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    else { throw problem("half a surrogate pair in a string") }
    return scalar
  }

  private mutating func hexadecimal() throws(DatasetsError) -> UInt32 {
    let digits = bytes[index...].prefix(4)
    let text = String(decoding: digits, as: UTF8.self)
    guard digits.count == 4, text.utf8.first != UInt8(ascii: "+"),
      let value = UInt32(text, radix: 16)
    else { throw problem("'\\u' needs four hexadecimal digits") }
    index += 4
    return value
  }
}

extension JSONScanner {
  private var current: UInt8? { index < bytes.count ? bytes[index] : nil }

  private var found: String {
    current.map { "'\(Unicode.Scalar($0))'" } ?? "the end of the file"
  }

  private mutating func skipSpace() {
    while let byte = current, " \t\r\n".utf8.contains(byte) { index += 1 }
  }

  /// Passes over a number, `true`, `false` or `null`.
  private mutating func skipLiteral() {
    while let byte = current, !" \t\r\n,:\"{}[]".utf8.contains(byte) { index += 1 }
  }

  private mutating func expect(_ sign: Character, _ what: String) throws(DatasetsError) {
    skipSpace()
    guard let byte = current, byte == sign.asciiValue else {
      throw problem("expected \(what), found \(found)")
    }
    index += 1
  }

  private mutating func closes(_ sign: Character) -> Bool {
    skipSpace()
    guard current == sign.asciiValue else { return false }
    index += 1
    return true
  }

  private mutating func commaFollows(or end: Character) throws(DatasetsError) -> Bool {
    if closes(end) { return false }
    guard current == UInt8(ascii: ",") else {
      throw problem("expected ',' or '\(end)' after a value, found \(found)")
    }
    index += 1
    return true
  }
}
