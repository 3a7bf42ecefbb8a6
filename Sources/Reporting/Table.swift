/// Rows under headings, as plain text, Markdown or CSV.
///
/// A character is one column wide. Control characters in a cell, line breaks among them, print as
/// spaces in text and Markdown, so a file name can never break a table.
package struct Table: Sendable {
  package enum Alignment: Sendable { case left, right }

  package struct Column: Sendable {
    package var title: String
    package var alignment: Alignment

    package init(_ title: String, _ alignment: Alignment = .left) {
      self.title = title
      self.alignment = alignment
    }
  }

  package let columns: [Column]
  package private(set) var rows: [[String]] = []

  package init(_ columns: [Column]) {
    precondition(!columns.isEmpty, "a table needs a column")
    self.columns = columns
  }

  /// Adds a row with one cell per column.
  package mutating func add(_ cells: [String]) {
    precondition(cells.count == columns.count, "\(cells.count) cells for \(columns.count) columns")
    rows.append(cells)
  }

  /// Returns aligned text, two spaces between columns and no spaces at line ends.
  ///
  /// Nothing wraps. With a width, the last column alone is cut, to one character at least, and ends
  /// in an ellipsis; so a line is longer than the width if the other columns already are.
  package func text(width: Int? = nil) -> String {
    var lines = ([columns.map(\.title)] + rows).map { $0.map(singleLine) }
    var widths = columns.indices.map { index in lines.map { $0[index].count }.max() ?? 0 }
    let last = columns.count - 1
    if let width {
      let before = widths.dropLast().reduce(0) { $0 + $1 + 2 }
      widths[last] = min(widths[last], max(1, width - before))
      for row in lines.indices { lines[row][last] = truncated(lines[row][last], to: widths[last]) }
    }
    lines.insert(widths.map { String(repeating: "-", count: $0) }, at: 1)
    return lines.map { line($0, widths) + "\n" }.joined()
  }

  /// Returns a GitHub-flavoured Markdown table.
  package func markdown() -> String {
    let rule = columns.map { $0.alignment == .right ? "---:" : "---" }
    let body = rows.map { $0.map(markdownCell) }
    return ([columns.map { markdownCell($0.title) }, rule] + body)
      .map { "| \($0.joined(separator: " | ")) |\n" }.joined()
  }

  /// Returns comma-separated values, quoted as RFC 4180 has it, lines ended by a line feed.
  package func csv() -> String {
    ([columns.map(\.title)] + rows)
      .map { $0.map(csvCell).joined(separator: ",") + "\n" }.joined()
  }

  private func line(_ cells: [String], _ widths: [Int]) -> String {
    let padded = cells.indices.map { index in
      let space = String(repeating: " ", count: widths[index] - cells[index].count)
      return columns[index].alignment == .right ? space + cells[index] : cells[index] + space
    }
    var text = padded.joined(separator: "  ")
    while text.last == " " { text.removeLast() }
    return text
  }

  private func markdownCell(_ text: String) -> String {
    singleLine(text).replacing("\\", with: "\\\\").replacing("|", with: "\\|")
  }

  private func csvCell(_ text: String) -> String {
    // Scalars, because CR LF is one character to Swift.
    let needsQuotes = text.unicodeScalars.contains { ",\"\r\n".unicodeScalars.contains($0) }
    return needsQuotes ? "\"\(text.replacing("\"", with: "\"\""))\"" : text
  }
}
