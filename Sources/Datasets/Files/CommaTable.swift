/// The rows of comma-separated values as RFC 4180 defines them.
///
/// A field in quotation marks may hold commas, line breaks, and quotation marks written twice. A
/// quotation mark inside a field that does not start with one is text.
struct CommaTable {
  private let file: String
  private let bytes: [UInt8]
  private var index = 0
  private var line = 1

  private static let quote = UInt8(ascii: "\"")
  private static let comma = UInt8(ascii: ",")
  private static let feed = UInt8(ascii: "\n")

  init(file: String, bytes: [UInt8]) {
    self.file = file
    self.bytes = bytes
  }

  /// The next row that is not an empty line, nil at the end of the file.
  mutating func next() throws(DatasetsError) -> TableRow? {
    while takeLineEnd() {}
    guard index < bytes.count else { return nil }
    let start = line
    var fields = [try field()]
    while index < bytes.count, !takeLineEnd() {
      // What ends a field is a comma, a line end or the end of the file.
      index += 1
      fields.append(try field())
    }
    return TableRow(line: start, fields: fields)
  }

  private mutating func field() throws(DatasetsError) -> ArraySlice<UInt8> {
    if index < bytes.count, bytes[index] == Self.quote { return try quotedField() }
    let start = index
    while !atFieldEnd { index += 1 }
    return bytes[start..<index]
  }

  private mutating func quotedField() throws(DatasetsError) -> ArraySlice<UInt8> {
    let opening = line
    var text: ArraySlice<UInt8> = []
    index += 1
    while true {
      let start = index
      while index < bytes.count, bytes[index] != Self.quote {
        if bytes[index] == Self.feed { line += 1 }
        index += 1
      }
      guard index < bytes.count else {
        throw .malformed(
          file: file, line: opening, problem: "the quotation mark that opens here is never closed")
      }
      text += bytes[start..<index]
      index += 1
      guard index < bytes.count, bytes[index] == Self.quote else { break }
      text.append(Self.quote)
      index += 1
    }
    guard atFieldEnd else { throw textAfterQuote }
    return text
  }

  private var textAfterQuote: DatasetsError {
    let found = brief(String(decoding: bytes[index...].prefix(160), as: UTF8.self))
    return .malformed(
      file: file, line: line,
      problem: "expected ',' or the end of the line after a closing quotation mark, found \(found)")
  }
}

extension CommaTable {
  /// The length of the line end at `index`, 0 when there is none; "\r" alone is text.
  private var lineEnd: Int {
    let next = bytes[index...].prefix(2)
    if next.first == Self.feed { return 1 }
    return next.elementsEqual([UInt8(ascii: "\r"), Self.feed]) ? 2 : 0
  }

  private var atFieldEnd: Bool {
    index == bytes.count || bytes[index] == Self.comma || lineEnd > 0
  }

  private mutating func takeLineEnd() -> Bool {
    let length = lineEnd
    index += length
    if length > 0 { line += 1 }
    return length > 0
  }
}
