import FoundationEssentials

/// Reads files of text as bytes: "\r\n" is one `Character` in Swift.
enum TextFile {
  /// The file without a byte-order mark; all of it is valid UTF-8.
  static func bytes(of file: String) throws(DatasetsError) -> [UInt8] {
    var bytes = try wholeFile(file)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    guard String(validating: bytes, as: UTF8.self) == nil else { return bytes }
    var line = 1
    for part in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      if String(validating: part, as: UTF8.self) == nil { break }
      line += 1
    }
    throw .malformed(file: file, line: line, problem: "the line is not valid UTF-8")
  }

  /// The file's bytes, text or not.
  static func wholeFile(_ file: String) throws(DatasetsError) -> [UInt8] {
    do {
      return Array(try Data(contentsOf: URL(filePath: file)))
    } catch {
      throw .unreadable(file: file, reason: "cannot be read; is the path right?")
    }
  }
}

/// The lines of a text that are not empty; they end in "\n" or "\r\n" and in nothing else.
struct TextLines {
  struct Line {
    /// From 1, empty lines counted.
    let number: Int
    let bytes: ArraySlice<UInt8>
  }

  private var rest: ArraySlice<UInt8>
  private var number = 0

  init(_ bytes: [UInt8]) {
    rest = bytes[...]
  }

  mutating func next() -> Line? {
    while !rest.isEmpty {
      let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
      var line = rest[..<end]
      rest = rest[end...].dropFirst()
      number += 1
      if line.last == UInt8(ascii: "\r") { line.removeLast() }
      if !line.isEmpty { return Line(number: number, bytes: line) }
    }
    return nil
  }
}
