import NearestName

/// What is read of a row, and what the publishers of MNLI call it.
enum EntailmentColumn: CaseIterable {
  case premise, hypothesis, label, genre

  /// The names in use, the first one found counts.
  ///
  /// The hub writes premise, hypothesis, label; MultiNLI 1.0 and GLUE sentence1, sentence2,
  /// gold_label. GLUE's label1 to label5 are single annotators' and never the answer.
  var names: [String] {
    switch self {
    case .premise: ["premise", "sentence1"]
    case .hypothesis: ["hypothesis", "sentence2"]
    case .label: ["gold_label", "label"]
    case .genre: ["genre"]
    }
  }

  /// What to say when none of the names is among those `found` in a header or an object.
  func isMissing(among found: [String]) -> String {
    let hasText = [Self.premise, .hypothesis].allSatisfy {
      $0.names.contains(where: found.contains)
    }
    let expected = names.map { "'\($0)'" }.joined(separator: " or ")
    let problem =
      self == .label && hasText
      ? "no gold labels: no \(expected), as in a test split; give a train or validation file"
      : "no \(expected); \(Self.expectation)"
    let close = names.lazy.compactMap { nearest($0, in: found) }.first
    return problem + "; " + (close.map { "the nearest found is \(brief($0))" } ?? Self.list(found))
  }

  /// The header of a table, or the keys of an object.
  private static let expectation =
    "expected the names premise, hypothesis, label or sentence1, sentence2, gold_label"

  private static func list(_ found: [String]) -> String {
    let shown = found.prefix(16).map(brief) + (found.count > 16 ? ["..."] : [])
    return "found \(shown.isEmpty ? "no names" : shown.joined(separator: ", "))"
  }
}

/// Text from a file for a message: in quotes, cut at 40 characters, control characters escaped.
func brief(_ text: some StringProtocol) -> String {
  let start = text.unicodeScalars.prefix(40)
  let shown = String(String.UnicodeScalarView(start))
  return shown.debugDescription + (start.endIndex < text.unicodeScalars.endIndex ? "..." : "")
}
