/// What is wrong with a part of a Parquet file; who calls knows which part.
struct ParquetProblem: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}

/// Reads Thrift's compact protocol, in which Parquet's headers are written (thrift, doc/specs/
/// thrift-compact-protocol.md).
///
/// Never reads beyond its range, and allocates nothing that the bytes do not fill.
struct ThriftReader {
  private let bytes: [UInt8]
  /// The next byte.
  private(set) var index: Int
  private let end: Int

  init(_ bytes: [UInt8], in range: Range<Int>) {
    precondition(
      0 <= range.lowerBound && range.upperBound <= bytes.count, "a range of \(bytes.count) bytes")
    self.bytes = bytes
    index = range.lowerBound
    end = range.upperBound
  }

  /// What a field or an element is.
  enum Kind: UInt8 {
    case isTrue = 1
    case isFalse, int8, int16, int32, int64, double, binary, list, set, map, structure, uuid
  }

  struct Field {
    let id: Int
    let kind: Kind
  }

  /// Reads one structure; `read` says whether it took the field, else its value is passed over.
  mutating func structure(
    _ read: (inout ThriftReader, Field) throws(ParquetProblem) -> Bool
  ) throws(ParquetProblem) {
    var id = 0
    while let field = try field(after: id) {
      id = field.id
      if try !read(&self, field) { try skip(field.kind, depth: 0) }
    }
  }

  /// Reads a field's list of structures, each by `read`.
  mutating func structures(
    of field: Field, _ read: (inout ThriftReader) throws(ParquetProblem) -> Void
  ) throws(ParquetProblem) {
    let (count, kind) = try list(field)
    guard kind == .structure || count == 0 else { throw wrong("a list of structures", kind) }
    for _ in 0..<count { try read(&self) }
  }

  /// Reads a field's list of texts.
  mutating func texts(of field: Field) throws(ParquetProblem) -> [String] {
    let (count, kind) = try list(field)
    guard kind == .binary || count == 0 else { throw wrong("a list of texts", kind) }
    var texts: [String] = []
    for _ in 0..<count { texts.append(try text()) }
    return texts
  }

  mutating func text(of field: Field) throws(ParquetProblem) -> String {
    guard field.kind == .binary else { throw wrong("a text", field.kind) }
    return try text()
  }

  mutating func integer(of field: Field) throws(ParquetProblem) -> Int {
    switch field.kind {
    case .int16, .int32, .int64: return try zigzag()
    default: throw wrong("a number", field.kind)
    }
  }

  /// A number from 0, as sizes and counts are.
  mutating func count(of field: Field) throws(ParquetProblem) -> Int {
    let number = try integer(of: field)
    guard number >= 0 else {
      throw ParquetProblem("the header has \(number) for a size, expected at least 0")
    }
    return number
  }

  func flag(of field: Field) throws(ParquetProblem) -> Bool {
    switch field.kind {
    case .isTrue: return true
    case .isFalse: return false
    default: throw wrong("true or false", field.kind)
    }
  }

  private func wrong(_ expected: String, _ kind: Kind) -> ParquetProblem {
    ParquetProblem(
      "the header has Thrift type \(kind.rawValue) before byte \(index), expected \(expected)")
  }
}

extension ThriftReader {
  /// The header of the next field, nil at the end of its structure.
  private mutating func field(after id: Int) throws(ParquetProblem) -> Field? {
    let header = try byte()
    guard header != 0 else { return nil }
    let kind = try kind(header & 0xF)
    if header >> 4 != 0 { return Field(id: id &+ Int(header >> 4), kind: kind) }
    return Field(id: try zigzag(), kind: kind)
  }

  /// The header of a list or set; each of its elements has at least a byte.
  private mutating func list(_ field: Field) throws(ParquetProblem) -> (count: Int, Kind) {
    guard field.kind == .list else { throw wrong("a list", field.kind) }
    return try listHeader()
  }

  private mutating func listHeader() throws(ParquetProblem) -> (count: Int, Kind) {
    let header = try byte()
    let count = header >> 4 == 15 ? try size() : Int(header >> 4)
    try check(count)
    // The type of an empty list may be anything.
    return (count, count == 0 ? .isTrue : try kind(header & 0xF))
  }

  private func kind(_ number: UInt8) throws(ParquetProblem) -> Kind {
    guard let kind = Kind(rawValue: number) else {
      throw ParquetProblem("the header has an unknown Thrift type \(number) at byte \(index - 1)")
    }
    return kind
  }

  private mutating func skip(_ kind: Kind, depth: Int) throws(ParquetProblem) {
    // Parquet's own structures nest five deep.
    guard depth < 32 else { throw ParquetProblem("the header nests too deep at byte \(index)") }
    switch kind {
    case .isTrue, .isFalse: break
    case .int8: _ = try byte()
    case .int16, .int32, .int64: _ = try varint()
    case .double: try advance(8)
    case .uuid: try advance(16)
    case .binary: try advance(size())
    case .list, .set: try skipList(depth: depth)
    case .map: try skipMap(depth: depth)
    case .structure:
      var id = 0
      while let field = try field(after: id) {
        id = field.id
        try skip(field.kind, depth: depth + 1)
      }
    }
  }

  private mutating func skipList(depth: Int) throws(ParquetProblem) {
    let (count, kind) = try listHeader()
    for _ in 0..<count { try skipElement(kind, depth: depth + 1) }
  }

  private mutating func skipMap(depth: Int) throws(ParquetProblem) {
    let count = try size()
    try check(count)
    guard count > 0 else { return }
    let kinds = try byte()
    let (key, value) = (try kind(kinds >> 4), try kind(kinds & 0xF))
    for _ in 0..<count {
      try skipElement(key, depth: depth + 1)
      try skipElement(value, depth: depth + 1)
    }
  }

  /// Outside a structure a truth value takes a byte.
  private mutating func skipElement(_ kind: Kind, depth: Int) throws(ParquetProblem) {
    switch kind {
    case .isTrue, .isFalse: _ = try byte()
    default: try skip(kind, depth: depth)
    }
  }

  private mutating func text() throws(ParquetProblem) -> String {
    let size = try size()
    let start = index
    try advance(size)
    guard let text = String(validating: bytes[start..<index], as: UTF8.self) else {
      throw ParquetProblem("the header has a text that is not valid UTF-8 at byte \(start)")
    }
    return text
  }

  private mutating func zigzag() throws(ParquetProblem) -> Int {
    let number = try varint()
    return Int(bitPattern: UInt(number >> 1)) ^ -Int(number & 1)
  }

  private mutating func size() throws(ParquetProblem) -> Int {
    guard let size = Int(exactly: try varint()) else {
      throw ParquetProblem("the header has a size beyond 64 bits at byte \(index)")
    }
    return size
  }

  private mutating func varint() throws(ParquetProblem) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      let byte = try byte()
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw ParquetProblem("the header has a number of more than ten bytes at byte \(index)")
  }

  private mutating func byte() throws(ParquetProblem) -> UInt8 {
    try check(1)
    index += 1
    return bytes[index - 1]
  }

  private mutating func advance(_ count: Int) throws(ParquetProblem) {
    try check(count)
    index += count
  }

  private func check(_ count: Int) throws(ParquetProblem) {
    guard count <= end - index else {
      throw ParquetProblem("the header ends at byte \(end), in the middle of a value")
    }
  }
}
