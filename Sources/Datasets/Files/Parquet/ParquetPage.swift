/// The header of one page of a column (parquet.thrift, PageHeader).
struct ParquetPageHeader {
  private(set) var kind = Kind.other
  private(set) var size = 0
  private(set) var compressedSize = 0
  private(set) var values = 0
  private(set) var encoding = 0
  /// Data page 2 only: the bytes of repetition and definition levels, which are never compressed.
  private(set) var levelBytes: (repetition: Int, definition: Int)?
  private(set) var isCompressed = true
  /// Where the page's bytes start.
  private(set) var end = 0
  private var definitionEncoding = Encoding.runLengths

  enum Kind {
    case data, dictionary, other
  }

  /// Numbers of parquet.thrift.
  enum Encoding {
    static let plain = 0
    static let plainDictionary = 2
    static let runLengths = 3
    static let runLengthDictionary = 8

    static func name(_ number: Int) -> String {
      let names = [
        4: "BIT_PACKED", 5: "DELTA_BINARY_PACKED", 6: "DELTA_LENGTH_BYTE_ARRAY",
        7: "DELTA_BYTE_ARRAY", 9: "BYTE_STREAM_SPLIT",
      ]
      return names[number] ?? "\(number)"
    }
  }

  init(_ bytes: [UInt8], in range: Range<Int>) throws(ParquetProblem) {
    var reader = ThriftReader(bytes, in: range)
    var type = 0
    try reader.structure { (reader, field) throws(ParquetProblem) in
      switch field.id {
      case 1: type = try reader.integer(of: field)
      case 2: size = try reader.count(of: field)
      case 3: compressedSize = try reader.count(of: field)
      case 5, 7, 8:
        guard field.kind == .structure else { return false }
        try readKind(&reader, field.id)
      default: return false
      }
      return true
    }
    end = reader.index
    kind = [0: .data, 2: .dictionary, 3: .data][type] ?? .other
    guard compressedSize <= range.upperBound - end else {
      throw ParquetProblem(
        "a page would have \(compressedSize) bytes, its column has \(range.upperBound - end) left")
    }
    guard (type == 3) == (levelBytes != nil) || kind != .data else {
      throw ParquetProblem("a page's header is that of another kind of page")
    }
    guard definitionEncoding == Encoding.runLengths else {
      throw ParquetProblem(
        "definition levels in encoding \(Encoding.name(definitionEncoding)) are not read; expected RLE"
      )
    }
  }

  /// The part of the header that depends on the kind of page.
  private mutating func readKind(
    _ reader: inout ThriftReader, _ id: Int
  ) throws(ParquetProblem) {
    if id == 8 { levelBytes = (0, 0) }
    try reader.structure { (reader, field) throws(ParquetProblem) in
      switch (id, field.id) {
      case (_, 1): values = try reader.count(of: field)
      case (5, 2), (7, 2), (8, 4): encoding = try reader.integer(of: field)
      case (5, 3): definitionEncoding = try reader.integer(of: field)
      case (8, 5): levelBytes?.definition = try reader.count(of: field)
      case (8, 6): levelBytes?.repetition = try reader.count(of: field)
      case (8, 7): isCompressed = try reader.flag(of: field)
      default: return false
      }
      return true
    }
  }
}
