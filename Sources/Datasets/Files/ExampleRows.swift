import Configuration
import NearestName

/// The examples read so far of one file, and how rows become examples.
struct ExampleRows {
  let file: String
  let columns: TaskColumns
  private(set) var examples: [Example] = []
  private(set) var skipped = 0

  init(file: String, task: TaskConfiguration) {
    self.file = file
    columns = TaskColumns(task)
  }

  /// Why there are no examples when the file has been read and there are none.
  var emptiness: String {
    skipped == 0
      ? "has no rows; expected the columns \(columns.placeholders.joined(separator: ", "))"
      : "none of the \(skipped) rows has \(columns.task.labels == nil ? "an answer" : "a gold label"), "
        + "as in a test split; give a train or validation file"
  }

  /// Adds a row; `values` are those of `columns.placeholders`.
  ///
  /// The last one is the answer: where there are labels, one of them, its number, or a sign that
  /// there is none.
  ///
  /// - Throws: What is wrong with the answer, for `error` to place.
  mutating func append(_ values: [String]) throws(UnknownLabel) {
    guard let given = values.last, !isNoAnswer(given) else {
      skipped += 1
      return
    }
    let answer = try columns.task.labels.map { labels throws(UnknownLabel) in
      try Self.label(given, of: labels)
    }
    examples.append(
      Example(columns.task.prompt, values.dropLast(), answer: answer ?? given))
  }

  private func isNoAnswer(_ value: String) -> Bool {
    value.isEmpty || columns.task.labels != nil && ["-", "-1"].contains(value)
  }

  /// A label by its name, or by its place in the list, as the hub numbers them.
  private static func label(_ value: String, of labels: [String]) throws(UnknownLabel) -> String {
    if labels.contains(value) { return value }
    if let number = Int(value), labels.indices.contains(number), String(number) == value {
      return labels[number]
    }
    let words = labels.prefix(16).enumerated().map { "\($1) (\($0))" }.joined(separator: ", ")
    let hint = nearest(value, in: labels).map { "; the nearest is '\($0)'" } ?? ""
    throw UnknownLabel(
      description:
        "the label \(brief(value)) is none of \(words)\(labels.count > 16 ? ", ..." : ""), "
        + "and not '-' or -1 for none\(hint)")
  }
}

/// Says which labels there are instead of the one given.
struct UnknownLabel: Error, CustomStringConvertible {
  let description: String
}
