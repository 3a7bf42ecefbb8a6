/// How often each label was answered with each: rows are the right labels, columns the answers.
///
/// The last column counts answers that are no label; they count as wrong.
package struct ConfusionMatrix: Sendable, Equatable {
  package let labels: [String]
  /// `labels.count` rows of one column more.
  package private(set) var counts: [[Int]]

  package init(labels: [String]) {
    self.labels = labels
    counts = labels.map { _ in Array(repeating: 0, count: labels.count + 1) }
  }

  /// Counts one answer, nil where it is no label.
  package mutating func record(gold: Int, answer: Int?) {
    counts[gold][answer ?? labels.count] += 1
  }

  package var examples: Int { counts.reduce(0) { $0 + $1.reduce(0, +) } }
  package var badlyFormed: Int { counts.reduce(0) { $0 + $1[labels.count] } }
  package var correct: Int { labels.indices.reduce(0) { $0 + counts[$1][$1] } }
  package var incorrect: Int { examples - correct - badlyFormed }
  /// Of all examples, badly formed answers among them; 0 without any.
  package var accuracy: Double { examples == 0 ? 0 : Double(correct) / Double(examples) }

  /// One label against all others.
  package struct Class: Sendable, Equatable {
    /// How often it is the right label.
    package let gold: Int
    /// How often it was answered.
    package let answered: Int
    package let correct: Int

    /// Of its answers, those that are right; nil where it was never answered.
    package var precision: Double? { answered == 0 ? nil : Double(correct) / Double(answered) }
    /// Of its examples, those that were found; nil where there are none.
    package var recall: Double? { gold == 0 ? nil : Double(correct) / Double(gold) }
    /// The harmonic mean of both; nil for a label that neither occurs nor was answered.
    package var f1: Double? {
      gold + answered == 0 ? nil : 2 * Double(correct) / Double(gold + answered)
    }
  }

  /// The classes in the order of `labels`.
  package var classes: [Class] {
    labels.indices.map { label in
      Class(
        gold: counts[label].reduce(0, +), answered: counts.reduce(0) { $0 + $1[label] },
        correct: counts[label][label])
    }
  }

  /// The unweighted mean of F1 over the labels that occur or were answered, as scikit-learn's
  /// `f1_score(average="macro")`; 0 without any.
  package var macroF1: Double {
    let scores = classes.compactMap(\.f1)
    return scores.isEmpty ? 0 : scores.reduce(0, +) / Double(scores.count)
  }
}
