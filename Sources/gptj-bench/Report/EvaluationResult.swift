import FineTuning
import Reporting

/// How one split was answered, as text and in documents.
struct EvaluationResult: Encodable {
  let split: String
  let examples, badlyFormed, incorrect, correct: Int
  let accuracy: Double

  init(_ split: String, _ report: EntailmentReport) {
    self.split = split
    examples = report.examples
    badlyFormed = report.badlyFormed
    incorrect = report.incorrect
    correct = report.correct
    accuracy = report.accuracy
  }

  /// The notebook's four lines.
  var text: String {
    guard examples > 0 else { return "" }
    return """
      \(split)
        Total number of examples  \(examples)
        Number of badly formed    \(badlyFormed)
        Number of incorrect       \(incorrect)
        Number of correct         \(correct) [\(Format.percent(accuracy))]

      """
  }
}
