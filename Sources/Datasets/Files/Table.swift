/// One row of a table: where it starts and what stands between its separators.
struct TableRow {
  /// The line of the file on which the row starts, from 1.
  let line: Int
  let fields: [ArraySlice<UInt8>]

  init(line: Int, fields: [ArraySlice<UInt8>]) {
    self.line = line
    self.fields = fields
  }

  /// A line between whose tabs everything is text, quotation marks included.
  init(tabSeparated line: TextLines.Line) {
    self.line = line.number
    fields = line.bytes.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
  }

  func text(_ column: Int) -> String {
    String(decoding: fields[column], as: UTF8.self)
  }
}

extension ExampleRows {
  /// Reads a header and the rows below it; `next` gives nil at the end.
  mutating func readTable(
    next: () throws(DatasetsError) -> TableRow?
  ) throws(DatasetsError) {
    guard let header = try next() else { return }
    let names = header.fields.indices.map(header.text)
    let places: [Int]
    do {
      places = try columns.places(in: names)
    } catch {
      throw .malformed(file: file, line: header.line, problem: "the header has \(error)")
    }
    while let row = try next() {
      try check(row, names, lastPlace: places.max() ?? 0)
      do {
        try append(places.map(row.text))
      } catch {
        throw .malformed(file: file, line: row.line, problem: "\(error)")
      }
    }
  }

  /// Refuses a row that lacks a column that is read, or has more columns than there are names.
  ///
  /// More columns mean a separator inside a text. Columns at the end that are not read may be left
  /// out, as MultiNLI 1.0's train.txt does with label2 to label5.
  private func check(
    _ row: TableRow, _ names: [String], lastPlace last: Int
  ) throws(DatasetsError) {
    guard row.fields.count <= last || row.fields.count > names.count else { return }
    let missing = row.fields.count <= last ? ", too few to have \(brief(names[last]))" : ""
    let problem = "\(row.fields.count) columns\(missing); the header has \(names.count)"
    throw .malformed(file: file, line: row.line, problem: problem)
  }
}
