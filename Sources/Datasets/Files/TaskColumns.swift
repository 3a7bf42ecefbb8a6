import Configuration
import NearestName

/// The columns that a task reads: one for each placeholder of its prompt, the answer's last.
struct TaskColumns: Sendable {
  let task: TaskConfiguration
  let placeholders: [String]

  init(_ task: TaskConfiguration) {
    self.task = task
    placeholders = task.prompt.inputs + [task.prompt.target]
  }

  /// What files call a placeholder's column, the first one found counts.
  ///
  /// The hub writes premise, hypothesis, label; MultiNLI 1.0 and GLUE sentence1, sentence2,
  /// gold_label. GLUE's label1 to label5 are single annotators' and never the answer.
  func names(of placeholder: String) -> [String] {
    if let column = task.columns[placeholder] { return [column] }
    return switch placeholder {
    case "premise": ["premise", "sentence1"]
    case "hypothesis": ["hypothesis", "sentence2"]
    case "label": ["gold_label", "label"]
    default: [placeholder]
    }
  }

  /// Where each placeholder's column is among the names of a file, in the order of `placeholders`.
  ///
  /// - Throws: The message for the first one that is missing.
  func places(in found: [String]) throws(MissingColumn) -> [Int] {
    var places: [Int] = []
    for placeholder in placeholders {
      guard let place = place(of: placeholder, in: found) else {
        throw MissingColumn(description: missing(placeholder, among: found))
      }
      places.append(place)
    }
    return places
  }

  private func place(of placeholder: String, in found: [String]) -> Int? {
    names(of: placeholder).lazy.compactMap { found.firstIndex(of: $0) }.first
  }

  /// What to say when none of a placeholder's names is among those `found` in a header or an object.
  func missing(_ placeholder: String, among found: [String]) -> String {
    let names = names(of: placeholder)
    let isTestSplit =
      placeholder == task.prompt.target
      && task.prompt.inputs.allSatisfy { place(of: $0, in: found) != nil }
    let expected = names.map { "'\($0)'" }.joined(separator: " or ")
    let problem =
      isTestSplit
      ? "no \(answers): no \(expected), as in a test split; give a train or validation file"
      : "no \(expected), which the prompt wants for {\(placeholder)}"
    let close = names.lazy.compactMap { nearest($0, in: found) }.first
    return "\(problem); \(Self.list(found))" + (close.map { "; the nearest is \(brief($0))" } ?? "")
  }

  /// What a file's target column holds.
  var answers: String { task.labels == nil ? "answers" : "gold labels" }

  private static func list(_ found: [String]) -> String {
    let shown = found.prefix(16).map(brief) + (found.count > 16 ? ["..."] : [])
    return "found \(shown.isEmpty ? "no names" : shown.joined(separator: ", "))"
  }
}

/// Says which column a file does not have.
struct MissingColumn: Error, CustomStringConvertible {
  let description: String
}

/// Text from a file for a message: in quotes, cut at 40 characters, control characters escaped.
func brief(_ text: some StringProtocol) -> String {
  let start = text.unicodeScalars.prefix(40)
  let shown = String(String.UnicodeScalarView(start))
  return shown.debugDescription + (start.endIndex < text.unicodeScalars.endIndex ? "..." : "")
}
