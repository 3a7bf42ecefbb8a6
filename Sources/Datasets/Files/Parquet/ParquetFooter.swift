/// What a Parquet file says about itself at its end (apache/parquet-format, parquet.thrift).
struct ParquetFooter {
  /// The columns that can be read: of the top level, not repeated.
  private(set) var columns: [Column] = []
  private(set) var rowGroups: [RowGroup] = []

  struct Column {
    let name: String
    let type: PhysicalType
    /// Whether values may be missing: they then have definition levels of one bit.
    let isOptional: Bool
    /// Its place among the chunks of a row group, which nested columns have too.
    let chunk: Int
  }

  enum PhysicalType: Int {
    case boolean, int32, int64, int96, float, double, byteArray, fixedLengthByteArray
  }

  struct RowGroup {
    var rows = 0
    var chunks: [Chunk] = []
  }

  /// Where a row group's values of one column are.
  struct Chunk {
    var path: [String] = []
    /// As the file numbers it; what is not read does not matter in columns that are not read.
    var codec = 0
    var values = 0
    var size = 0
    var dataPage = 0
    var dictionaryPage: Int?
    /// Whether it is in this file and not encrypted.
    var isHere = true

    /// The bytes of all its pages; the dictionary, if any, is first.
    var range: Range<Int>? {
      let start = dictionaryPage.map { $0 > 0 ? min($0, dataPage) : dataPage } ?? dataPage
      let (end, overflow) = start.addingReportingOverflow(size)
      return overflow ? nil : start..<end
    }
  }

  init(_ bytes: [UInt8]) throws(ParquetProblem) {
    var reader = ThriftReader(bytes, in: try Self.range(in: bytes))
    var schema: [SchemaElement] = []
    try reader.structure { (reader, field) throws(ParquetProblem) in
      switch field.id {
      case 2:
        try reader.structures(of: field) { (reader) throws(ParquetProblem) in
          schema.append(try SchemaElement(&reader))
        }
      case 4:
        try reader.structures(of: field) { (reader) throws(ParquetProblem) in
          rowGroups.append(try RowGroup(&reader))
        }
      default: return false
      }
      return true
    }
    columns = try Self.columns(schema)
  }

  private static let magic = Array("PAR1".utf8)

  /// The footer is before its own length and the magic bytes, which also start the file.
  private static func range(in bytes: [UInt8]) throws(ParquetProblem) -> Range<Int> {
    guard bytes.count >= 12, bytes.starts(with: magic) else {
      throw ParquetProblem("no Parquet file: it does not start with PAR1")
    }
    guard bytes.suffix(4) == magic[...] else {
      let isEncrypted = bytes.suffix(4).elementsEqual("PARE".utf8)
      throw ParquetProblem(
        isEncrypted ? "the file is encrypted" : "the file is cut: it does not end with PAR1")
    }
    let end = bytes.count - 8
    let length = bytes[end..<(end + 4)].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= end - 4 else {
      throw ParquetProblem("the footer would have \(length) bytes, the file has \(bytes.count)")
    }
    return (end - length)..<end
  }

  /// One node of the schema, which is written as a list, parents before their children.
  private struct SchemaElement {
    var type: Int?
    var repetition = 0
    var name = ""
    var children = 0

    init(_ reader: inout ThriftReader) throws(ParquetProblem) {
      try reader.structure { (reader, field) throws(ParquetProblem) in
        switch field.id {
        case 1: type = try reader.integer(of: field)
        case 3: repetition = try reader.integer(of: field)
        case 4: name = try reader.text(of: field)
        case 5: children = try reader.count(of: field)
        default: return false
        }
        return true
      }
    }
  }

  private static func columns(_ schema: [SchemaElement]) throws(ParquetProblem) -> [Column] {
    var columns: [Column] = []
    var chunk = 0
    // How many children are still to come at each level.
    var open: [Int] = []
    for element in schema {
      while open.last == 0 { open.removeLast() }
      if let last = open.indices.last { open[last] -= 1 }
      if element.children > 0 || open.isEmpty {
        open.append(element.children)
        continue
      }
      guard let type = element.type.flatMap(PhysicalType.init) else {
        throw ParquetProblem("the column \(brief(element.name)) has an unknown type")
      }
      if open.count == 1, element.repetition < 2 {
        columns.append(
          Column(name: element.name, type: type, isOptional: element.repetition == 1, chunk: chunk))
      }
      chunk += 1
    }
    return columns
  }
}

extension ParquetFooter.RowGroup {
  fileprivate init(_ reader: inout ThriftReader) throws(ParquetProblem) {
    try reader.structure { (reader, field) throws(ParquetProblem) in
      switch field.id {
      case 1:
        try reader.structures(of: field) { (reader) throws(ParquetProblem) in
          chunks.append(try ParquetFooter.Chunk(&reader))
        }
      case 3: rows = try reader.count(of: field)
      default: return false
      }
      return true
    }
  }
}

extension ParquetFooter.Chunk {
  fileprivate init(_ reader: inout ThriftReader) throws(ParquetProblem) {
    try reader.structure { (reader, field) throws(ParquetProblem) in
      switch field.id {
      case 3: try readMetadata(&reader)
      case 1, 8, 9:
        // The path of another file, or encryption.
        isHere = false
        return false
      default: return false
      }
      return true
    }
  }

  private mutating func readMetadata(_ reader: inout ThriftReader) throws(ParquetProblem) {
    try reader.structure { (reader, field) throws(ParquetProblem) in
      switch field.id {
      case 3: path = try reader.texts(of: field)
      case 4: codec = try reader.integer(of: field)
      case 5: values = try reader.count(of: field)
      case 7: size = try reader.count(of: field)
      case 9: dataPage = try reader.count(of: field)
      case 11: dictionaryPage = try reader.count(of: field)
      default: return false
      }
      return true
    }
  }
}
