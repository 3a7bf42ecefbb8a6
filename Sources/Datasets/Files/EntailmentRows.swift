import NearestName

/// The examples read so far of one file, and how rows become examples.
struct EntailmentRows {
  let file: String
  private(set) var examples: [EntailmentExample] = []
  private(set) var skipped = 0

  init(file: String) {
    self.file = file
  }

  /// Why there are no examples when the file has been read and there are none.
  var emptiness: String {
    skipped == 0
      ? "has no rows; expected premises and hypotheses with their labels"
      : "none of the \(skipped) rows has a gold label, as in a test split; "
        + "give a train or validation file"
  }

  /// Adds a row; `label` is a word, the hub's number, or a sign that there is no gold label.
  mutating func append(
    premise: String, hypothesis: String, label: String, genre: String, line: Int
  ) throws(DatasetsError) {
    if ["-", "", "-1"].contains(label) {
      skipped += 1
      return
    }
    guard let answer = Self.answer(label) else {
      throw .malformed(file: file, line: line, problem: Self.refusal(of: label))
    }
    examples.append(
      EntailmentExample(premise: premise, hypothesis: hypothesis, label: answer, genre: genre))
  }

  /// The hub numbers the labels in the order of `EntailmentLabel` ("multi_nli" and "glue").
  private static func answer(_ label: String) -> EntailmentLabel? {
    switch label {
    case "0": .entailment
    case "1": .neutral
    case "2": .contradiction
    default: EntailmentLabel(rawValue: label)
    }
  }

  private static func refusal(of label: String) -> String {
    let words = EntailmentLabel.allCases.map(\.rawValue)
    let hint = nearest(label, in: words).map { "; the nearest is '\($0)'" } ?? ""
    return "the label \(brief(label)) is none of entailment (0), neutral (1), contradiction (2), "
      + "and not '-' or -1 for none\(hint)"
  }
}
