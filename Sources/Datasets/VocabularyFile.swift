/// Reads `vocab.json` and `added_tokens.json`: one JSON object from token to id.
///
/// Its own scanner instead of a general decoder, because errors must name the line and a token given
/// twice must be one. Accepts UTF-8 and `\u` escapes alike; both are in circulation.
struct VocabularyFile {
  private let bytes: [UInt8]
  private let name: String
  private var index = 0

  /// The entries of `text`; `name` is the file for error messages.
  static func parse(
    _ text: [UInt8], name: String
  ) throws(DatasetsError) -> [String: Int] {
    var parser = VocabularyFile(bytes: text, name: name)
    return try parser.object()
  }

  private init(bytes: [UInt8], name: String) {
    self.bytes = bytes
    self.name = name
  }

  private mutating func object() throws(DatasetsError) -> [String: Int] {
    var entries: [String: Int] = [:]
    try expect("{", "an object from tokens to ids")
    skipSpace()
    if current == UInt8(ascii: "}") {
      index += 1
    } else {
      repeat {
        skipSpace()
        let start = index
        let token = try string()
        try expect(":", "':' after '\(token)'")
        let id = try integer(of: token)
        guard entries.updateValue(id, forKey: token) == nil else {
          index = start
          throw problem("'\(token)' is given twice")
        }
      } while try commaFollows()
    }
    skipSpace()
    guard current == nil else { throw problem("text after the closing '}'") }
    return entries
  }

  private mutating func commaFollows() throws(DatasetsError) -> Bool {
    skipSpace()
    guard let byte = current, byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") else {
      throw problem("expected ',' or '}' after an id, found \(found)")
    }
    index += 1
    return byte == UInt8(ascii: ",")
  }

  private mutating func integer(of token: String) throws(DatasetsError) -> Int {
    skipSpace()
    let start = index
    while let byte = current, !" \t\r\n,}".utf8.contains(byte) { index += 1 }
    let text = String(decoding: bytes[start..<index], as: UTF8.self)
    guard let id = Int(text), id >= 0, text.utf8.first != UInt8(ascii: "+") else {
      throw problem("the id of '\(token)' must be a whole number, not '\(text.prefix(40))'")
    }
    return id
  }

  private mutating func string() throws(DatasetsError) -> String {
    try expect("\"", "a token in double quotes")
    var text: [UInt8] = []
    while let byte = current, byte != UInt8(ascii: "\"") {
      if byte < 0x20 { throw problem("a token ends at a control character; is a '\"' missing?") }
      index += 1
      if byte == UInt8(ascii: "\\") {
        try escape(into: &text)
      } else {
        text.append(byte)
      }
    }
    try expect("\"", "'\"' at the end of a token")
    guard let token = String(validating: text, as: UTF8.self) else {
      throw problem("the token is not valid UTF-8")
    }
    return token
  }

  private mutating func escape(into text: inout [UInt8]) throws(DatasetsError) {
    guard let byte = current else { throw problem("the file ends inside a token") }
    index += 1
    switch byte {
    case UInt8(ascii: "u"): text += Array(String(try escapedScalar()).utf8)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    default: throw problem("unknown escape '\\\(Unicode.Scalar(byte))' in a token")
    }
  }

  /// The scalar of `\uXXXX`, or of the two of them that make a surrogate pair.
  private mutating func escapedScalar() throws(DatasetsError) -> Unicode.Scalar {
    let first = try hexadecimal()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard first < 0xDC00, bytes[index...].starts(with: Array("\\u".utf8)) else {
      throw problem("half a surrogate pair in a token")
    }
    index += 2
    let second = try hexadecimal()
    guard (0xDC00..<0xE000).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    else { throw problem("half a surrogate pair in a token") }
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

extension VocabularyFile {
  private var current: UInt8? { index < bytes.count ? bytes[index] : nil }

  private var found: String {
    current.map { "'\(Unicode.Scalar($0))'" } ?? "the end of the file"
  }

  private mutating func skipSpace() {
    while let byte = current, " \t\r\n".utf8.contains(byte) { index += 1 }
  }

  private mutating func expect(_ sign: Character, _ what: String) throws(DatasetsError) {
    if sign != "\"" || current != UInt8(ascii: "\"") { skipSpace() }
    guard let byte = current, byte == sign.asciiValue else {
      throw problem("expected \(what), found \(found)")
    }
    index += 1
  }

  /// An error at the current place; lines are counted only now, when one is needed.
  private func problem(_ text: String) -> DatasetsError {
    let line = 1 + bytes.prefix(index).count { $0 == 0x0A }
    return .malformed(file: name, line: line, problem: text)
  }
}
