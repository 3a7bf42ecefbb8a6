import Configuration

/// The three answers of MNLI, in the reference's order of labels.
package enum EntailmentLabel: String, CaseIterable, Sendable {
  case entailment, neutral, contradiction
}

/// A premise, a hypothesis, and whether the second follows from the first.
package struct EntailmentExample: Hashable, Sendable {
  package let premise: String
  package let hypothesis: String
  package let label: EntailmentLabel
  /// Where the words come from, such as "farm".
  package let genre: String

  package init(premise: String, hypothesis: String, label: EntailmentLabel, genre: String) {
    self.premise = premise
    self.hypothesis = hypothesis
    self.label = label
    self.genre = genre
  }

  /// With the reference's prompt.
  package var mnli: Example {
    Example(.mnli, [hypothesis, premise], answer: label.rawValue)
  }
}
