import FineTuning
import Reporting

/// How one split was answered, as text and in documents.
struct EvaluationResult: Encodable {
  let split: String
  let examples, badlyFormed, incorrect, correct: Int
  let accuracy: Double
  /// Nil where any text may be an answer.
  let confusion: Confusion?
  /// Nil where the labels were not ranked.
  let ranking: Ranking?

  /// Right labels by answers; a row has one column more than there are labels, for the badly formed.
  struct Confusion: Encodable {
    let labels: [String]
    let counts: [[Int]]
    let classes: [Class]
    let macroF1: Double

    /// Not a number where a label was never answered, or never right: null in documents.
    struct Class: Encodable {
      let label: String
      let precision, recall, f1: Double
    }

    init(_ matrix: ConfusionMatrix) {
      labels = matrix.labels
      counts = matrix.counts
      classes = zip(matrix.labels, matrix.classes).map { label, values in
        Class(
          label: label, precision: values.precision ?? .nan, recall: values.recall ?? .nan,
          f1: values.f1 ?? .nan)
      }
      macroF1 = matrix.macroF1
    }
  }

  /// The label that is most likely after the prompt, in place of an answer.
  struct Ranking: Encodable {
    let correct: Int
    let accuracy: Double
    let confusion: Confusion

    init(_ matrix: ConfusionMatrix) {
      correct = matrix.correct
      accuracy = matrix.accuracy
      confusion = Confusion(matrix)
    }
  }

  init(_ split: String, _ report: EvaluationReport) {
    self.split = split
    examples = report.examples
    badlyFormed = report.badlyFormed
    incorrect = report.incorrect
    correct = report.correct
    accuracy = report.accuracy
    confusion = report.confusion.map(Confusion.init)
    ranking = report.ranking.map(Ranking.init)
  }
}

extension EvaluationResult {
  /// The notebook's four lines, the ranking's beside them, and which label was taken for which.
  var text: String {
    guard examples > 0 else { return "" }
    var text = """
      \(split)
        Total number of examples  \(examples)
        Number of badly formed    \(badlyFormed)
        Number of incorrect       \(incorrect)
        Number of correct         \(correct) [\(Format.percent(accuracy))]

      """
    if let ranking {
      text +=
        "  Correct by label ranking  \(ranking.correct) [\(Format.percent(ranking.accuracy))]\n"
    }
    guard let confusion else { return text }
    let rows = confusion.table.text().split(separator: "\n").map { "  \($0)\n" }
    return text + "\n" + rows.joined() + "\n"
  }
}

extension EvaluationResult.Confusion {
  fileprivate var table: Table {
    let titles = labels + ["badly formed", "precision", "recall", "F1"]
    var table = Table([Table.Column("right label")] + titles.map { Table.Column($0, .right) })
    for (row, values) in zip(counts, classes) {
      let shares = [values.precision, values.recall, values.f1].map {
        $0.isNaN ? "-" : Format.percent($0)
      }
      table.add([values.label] + row.map(String.init) + shares)
    }
    return table
  }
}
