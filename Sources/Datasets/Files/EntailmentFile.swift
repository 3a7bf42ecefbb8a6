import NearestName

/// The examples of an MNLI file as people have them: from the hub, from MultiNLI 1.0, from GLUE.
///
/// The ending of the name chooses the format: `.jsonl` and `.json-lines` (one object a line), `.csv`
/// (RFC 4180), `.tsv` and `.txt` (tabs, no quoting: a quotation mark is text). Columns are found by
/// name, never by place; see `EntailmentColumn`. Text is kept as it is, spaces at its ends included:
/// 1,291 of the 9,815 hypotheses of MNLI's matched validation set end in one. A byte-order mark at
/// the start of the file and empty lines are dropped.
package struct EntailmentFile: Sendable {
  /// The rows with a gold label, in the file's order; never empty.
  ///
  /// `genre` is "" in a file that has no such column.
  package let examples: [EntailmentExample]
  /// How many rows have no gold label: "-" (the annotators disagree), "" or null, or -1.
  package let skipped: Int

  /// Reads the file whole.
  ///
  /// - Throws: `unreadable` when the file cannot be read, is not of a format above, or has no
  ///   labelled row; `malformed` with the line when a header or a row is wrong.
  package init(path: String) throws(DatasetsError) {
    let format = try EntailmentFormat(path: path)
    let bytes = try TextFile.bytes(of: path)
    var rows = EntailmentRows(file: path)
    switch format {
    case .jsonLines:
      try rows.readJSONLines(of: bytes)
    case .commas:
      var table = CommaTable(file: path, bytes: bytes)
      try rows.readTable { () throws(DatasetsError) in try table.next() }
    case .tabs:
      var lines = TextLines(bytes)
      try rows.readTable { lines.next().map(TableRow.init(tabSeparated:)) }
    }
    guard !rows.examples.isEmpty else {
      throw .unreadable(file: path, reason: rows.emptiness)
    }
    examples = rows.examples
    skipped = rows.skipped
  }
}

/// How a file of examples is written.
enum EntailmentFormat {
  case jsonLines, commas, tabs

  private static let endings: KeyValuePairs<String, EntailmentFormat> = [
    "jsonl": .jsonLines, "json-lines": .jsonLines, "csv": .commas, "tsv": .tabs, "txt": .tabs,
  ]

  /// The format that the ending of the file's name says, in capitals or not.
  init(path: String) throws(DatasetsError) {
    let name = path.split(separator: "/").last ?? ""
    let ending = name.lastIndex(of: ".").map { name[$0...].dropFirst().lowercased() } ?? ""
    guard let format = Self.endings.first(where: { $0.key == ending })?.value else {
      throw .unreadable(file: path, reason: Self.refusal(of: ending))
    }
    self = format
  }

  private static func refusal(of ending: String) -> String {
    let names = endings.map(\.key)
    let list = names.map { ".\($0)" }.joined(separator: ", ")
    if ending == "parquet" {
      return "Parquet is not read; convert the file to one of \(list)"
    }
    let found = ending.isEmpty ? "the name has no ending" : "unknown ending \(brief("." + ending))"
    let hint = nearest(ending, in: names).map { "; the nearest is .\($0)" } ?? ""
    return "\(found), expected one of \(list)\(hint)"
  }
}
