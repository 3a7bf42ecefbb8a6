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

extension EntailmentRows {
  /// Reads a header and the rows below it; `next` gives nil at the end.
  mutating func readTable(
    next: () throws(DatasetsError) -> TableRow?
  ) throws(DatasetsError) {
    guard let header = try next() else { return }
    let columns = try TableColumns(header: header, file: file)
    while let row = try next() {
      try columns.check(row, file: file)
      try append(
        premise: row.text(columns.premise), hypothesis: row.text(columns.hypothesis),
        label: row.text(columns.label), genre: columns.genre.map(row.text) ?? "", line: row.line)
    }
  }
}

/// Where a table has the columns that are read.
private struct TableColumns {
  let premise, hypothesis, label: Int
  let genre: Int?
  private let names: [String]

  init(header: TableRow, file: String) throws(DatasetsError) {
    let names = header.fields.indices.map(header.text)
    func place(_ column: EntailmentColumn) throws(DatasetsError) -> Int {
      if let index = Self.index(of: column, in: names) { return index }
      let problem = "the header has " + column.isMissing(among: names)
      throw .malformed(file: file, line: header.line, problem: problem)
    }
    premise = try place(.premise)
    hypothesis = try place(.hypothesis)
    label = try place(.label)
    genre = Self.index(of: .genre, in: names)
    self.names = names
  }

  private static func index(of column: EntailmentColumn, in names: [String]) -> Int? {
    column.names.lazy.compactMap { names.firstIndex(of: $0) }.first
  }

  /// Refuses a row that lacks a column that is read, or has more columns than there are names.
  ///
  /// More columns mean a separator inside a text. Columns at the end that are not read may be left
  /// out, as MultiNLI 1.0's train.txt does with label2 to label5.
  func check(_ row: TableRow, file: String) throws(DatasetsError) {
    let last = max(premise, hypothesis, label, genre ?? 0)
    guard row.fields.count <= last || row.fields.count > names.count else { return }
    let missing = row.fields.count <= last ? ", too few to have \(brief(names[last]))" : ""
    let problem = "\(row.fields.count) columns\(missing); the header has \(names.count)"
    throw .malformed(file: file, line: row.line, problem: problem)
  }
}
