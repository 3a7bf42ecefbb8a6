/// Reads one column of one row group as text, page by page.
struct ParquetColumnReader {
  private let bytes: [UInt8]
  private let column: ParquetFooter.Column
  private let chunk: ParquetFooter.Chunk
  private let compression: Compression
  private var budget: ParquetBudget
  private var dictionary: [String]?

  /// Integers come in decimal; nil where there is no value.
  ///
  /// - Throws: What is wrong with the column; `budget` keeps what has been spent.
  static func read(
    _ column: ParquetFooter.Column, of group: ParquetFooter.RowGroup, in bytes: [UInt8],
    _ budget: inout ParquetBudget
  ) throws(ParquetProblem) -> [String?] {
    guard group.chunks.indices.contains(column.chunk) else {
      throw ParquetProblem("it is missing; the row group has \(group.chunks.count) columns")
    }
    let chunk = group.chunks[column.chunk]
    guard chunk.isHere, chunk.path == [column.name], chunk.values == group.rows else {
      throw ParquetProblem(
        chunk.isHere
          ? "its data are \(chunk.values) values of \(brief(chunk.path.joined(separator: "."))), "
            + "expected \(group.rows) of this column"
          : "it is encrypted or in another file")
    }
    var reader = ParquetColumnReader(
      bytes: bytes, column: column, chunk: chunk,
      compression: try Compression(number: chunk.codec), budget: budget)
    defer { budget = reader.budget }
    return try reader.values()
  }

  private mutating func values() throws(ParquetProblem) -> [String?] {
    // The file starts and ends with PAR1; the footer's length is before the end.
    guard let range = chunk.range, range.lowerBound >= 4, range.upperBound <= bytes.count - 8 else {
      throw ParquetProblem(
        "its data would be \(chunk.size) bytes from byte \(chunk.dataPage), the file has \(bytes.count)"
      )
    }
    var values: [String?] = []
    var start = range.lowerBound
    while values.count < chunk.values {
      guard start < range.upperBound else {
        throw ParquetProblem("its pages have \(values.count) values, expected \(chunk.values)")
      }
      let header = try ParquetPageHeader(bytes, in: start..<range.upperBound)
      start = header.end + header.compressedSize
      switch header.kind {
      case .dictionary:
        dictionary = try plain(page(header), header.values, 0)
      case .data:
        guard header.values <= chunk.values - values.count else {
          throw ParquetProblem("its pages have more values than the \(chunk.values) expected")
        }
        values += try data(header)
      case .other: break
      }
    }
    return values
  }

  /// A page's bytes, decompressed where they are compressed.
  private mutating func page(
    _ header: ParquetPageHeader, behind levels: Int = 0
  ) throws(ParquetProblem) -> [UInt8] {
    let start = header.end + levels
    let compressed = bytes[start..<(header.end + header.compressedSize)]
    let size = header.size - levels
    try budget.spend(size)
    return try (header.isCompressed ? compression : .none).decompress(compressed, size: size)
  }

  private mutating func data(_ header: ParquetPageHeader) throws(ParquetProblem) -> [String?] {
    try budget.spend(header.values, each: MemoryLayout<String?>.size)
    let (body, start, isPresent) = try levels(header)
    let count = isPresent.map { $0.count { $0 != 0 } } ?? header.values
    let present: [String]
    switch header.encoding {
    case ParquetPageHeader.Encoding.plain:
      present = try plain(body, count, start)
    case ParquetPageHeader.Encoding.plainDictionary,
      ParquetPageHeader.Encoding.runLengthDictionary:
      present = try lookedUp(body, count, start)
    default:
      throw ParquetProblem(
        "its encoding \(ParquetPageHeader.Encoding.name(header.encoding)) is not read; "
          + "expected PLAIN or RLE_DICTIONARY")
    }
    guard let isPresent else { return present }
    var values = present.makeIterator()
    return isPresent.map { $0 == 0 ? nil : values.next() }
  }

  /// The page's values, where they start, and for optional columns which ones are there.
  private mutating func levels(
    _ header: ParquetPageHeader
  ) throws(ParquetProblem) -> (body: [UInt8], start: Int, isPresent: [UInt32]?) {
    if let lengths = header.levelBytes {
      guard lengths.repetition <= header.compressedSize,
        lengths.definition <= min(header.compressedSize, header.size) - lengths.repetition
      else { throw ParquetProblem("a page's levels are longer than the page") }
      let start = header.end + lengths.repetition
      let levels = start..<(start + lengths.definition)
      let isPresent = try self.isPresent(bytes, levels, header.values)
      return (try page(header, behind: lengths.repetition + lengths.definition), 0, isPresent)
    }
    let body = try page(header)
    guard column.isOptional else { return (body, 0, nil) }
    guard let length = body.littleEndian(UInt32.self, at: 0), length <= body.count - 4 else {
      throw ParquetProblem("a page's levels are longer than the page")
    }
    let end = 4 + Int(length)
    return (body, end, try isPresent(body, 4..<end, header.values))
  }

  private func isPresent(
    _ bytes: [UInt8], _ range: Range<Int>, _ count: Int
  ) throws(ParquetProblem) -> [UInt32]? {
    guard column.isOptional else { return nil }
    var decoder = try RunLengthDecoder(bytes, in: range, bitWidth: 1)
    return try decoder.values(count)
  }
}

extension ParquetColumnReader {
  /// Values one after the other: numbers of fixed size, texts behind their length.
  private mutating func plain(
    _ bytes: [UInt8], _ count: Int, _ start: Int
  ) throws(ParquetProblem) -> [String] {
    try budget.spend(count, each: MemoryLayout<String>.size)
    var values: [String] = []
    values.reserveCapacity(count)
    var index = start
    for _ in 0..<count {
      switch column.type {
      case .int32: values.append(try integer(Int32.self, bytes, &index))
      case .int64: values.append(try integer(Int64.self, bytes, &index))
      case .byteArray: values.append(try text(bytes, &index))
      default:
        throw ParquetProblem("it has neither texts nor whole numbers; its type is \(column.type)")
      }
    }
    return values
  }

  private func integer<Integer: FixedWidthInteger>(
    _ type: Integer.Type, _ bytes: [UInt8], _ index: inout Int
  ) throws(ParquetProblem) -> String {
    guard let value = bytes.littleEndian(type, at: index) else { throw Self.cut }
    index += MemoryLayout<Integer>.size
    return String(value)
  }

  private func text(_ bytes: [UInt8], _ index: inout Int) throws(ParquetProblem) -> String {
    guard let length = bytes.littleEndian(UInt32.self, at: index).map(Int.init),
      length <= bytes.count - index - 4
    else { throw Self.cut }
    let content = bytes[(index + 4)..<(index + 4 + length)]
    guard let text = String(validating: content, as: UTF8.self) else {
      throw ParquetProblem("it has a value that is not valid UTF-8")
    }
    index += 4 + length
    return text
  }

  /// Values by their number in the dictionary; the bit width is the page's first byte.
  private mutating func lookedUp(
    _ bytes: [UInt8], _ count: Int, _ start: Int
  ) throws(ParquetProblem) -> [String] {
    guard let dictionary else { throw ParquetProblem("a page has no dictionary before it") }
    guard count > 0 else { return [] }
    guard bytes.indices.contains(start) else { throw Self.cut }
    var decoder = try RunLengthDecoder(
      bytes, in: (start + 1)..<bytes.count, bitWidth: Int(bytes[start]))
    var values: [String] = []
    values.reserveCapacity(count)
    for number in try decoder.values(count) {
      guard dictionary.indices.contains(Int(number)) else {
        throw ParquetProblem("it has value \(number) of a dictionary of \(dictionary.count)")
      }
      // A prompt copies its text.
      try budget.spend(dictionary[Int(number)].utf8.count)
      values.append(dictionary[Int(number)])
    }
    return values
  }

  private static let cut = ParquetProblem("a page ends in the middle of its values")
}

extension [UInt8] {
  /// The number at `index`, nil when the array ends before it does.
  fileprivate func littleEndian<Integer: FixedWidthInteger>(
    _ type: Integer.Type, at index: Int
  ) -> Integer? {
    let size = MemoryLayout<Integer>.size
    guard index <= count - size else { return nil }
    return self[index..<(index + size)].reversed().reduce(0) { $0 << 8 | Integer($1) }
  }
}
