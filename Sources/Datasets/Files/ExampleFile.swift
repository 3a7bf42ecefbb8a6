package import Configuration
import NearestName

/// The examples of a data file as people have them: from the hub, from MultiNLI 1.0, from GLUE.
///
/// The ending of the name chooses the format: `.jsonl` and `.json-lines` (one object a line), `.csv`
/// (RFC 4180), `.tsv` and `.txt` (tabs, no quoting: a quotation mark is text), `.parquet`. Columns are
/// found by name, never by place; see `TaskColumns`. Text is kept as it is, spaces at its ends
/// included: 1,291 of the 9,815 hypotheses of MNLI's matched validation set end in one. A byte-order
/// mark at the start of a text file and empty lines are dropped.
package struct ExampleFile: Sendable {
  /// The rows with an answer, in the file's order; never empty.
  package let examples: [Example]
  /// How many rows have no answer: "" or null, and of labels "-" (the annotators disagree) and -1.
  package let skipped: Int

  /// Reads the file whole, as examples of this task.
  ///
  /// - Throws: `unreadable` when the file cannot be read, is not of a format above, or has no row
  ///   with an answer; `malformed` with the line, or `damaged` with the row, when something is wrong.
  package init(path: String, task: TaskConfiguration = TaskConfiguration()) throws(DatasetsError) {
    let format = try FileFormat(path: path)
    var rows = ExampleRows(file: path, task: task)
    switch format {
    case .jsonLines:
      try rows.readJSONLines(of: TextFile.bytes(of: path))
    case .commas:
      var table = CommaTable(file: path, bytes: try TextFile.bytes(of: path))
      try rows.readTable { () throws(DatasetsError) in try table.next() }
    case .tabs:
      var lines = TextLines(try TextFile.bytes(of: path))
      try rows.readTable { lines.next().map(TableRow.init(tabSeparated:)) }
    case .parquet:
      try rows.readParquet(of: TextFile.wholeFile(path))
    }
    guard !rows.examples.isEmpty else {
      throw .unreadable(file: path, reason: rows.emptiness)
    }
    examples = rows.examples
    skipped = rows.skipped
  }
}

/// How a file of examples is written.
enum FileFormat {
  case jsonLines, commas, tabs, parquet

  private static let endings: KeyValuePairs<String, FileFormat> = [
    "jsonl": .jsonLines, "json-lines": .jsonLines, "csv": .commas, "tsv": .tabs, "txt": .tabs,
    "parquet": .parquet,
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
    let found = ending.isEmpty ? "the name has no ending" : "unknown ending \(brief("." + ending))"
    let hint = nearest(ending, in: names).map { "; the nearest is .\($0)" } ?? ""
    return "\(found), expected one of \(list)\(hint)"
  }
}
