import FineTuning
import Reporting

/// One prompt and what the model made of it: a line of `--predictions`.
private struct PredictionLine: Encodable {
  let split: String
  /// From 0, within the split.
  let index: Int
  let prompt, gold, answer: String
  /// Nil for an answer that is no label.
  let label: String?
  let correct: Bool
  /// Nil where the labels were not ranked.
  let ranked: String?
  /// The label's log-probability after the prompt; empty where not ranked.
  let scores: [String: Double]

  enum CodingKeys: CodingKey {
    case split, index, prompt, gold, answer, label, correct, ranked, scores
  }

  /// With `null` for what is nil, so that every line has the same keys.
  func encode(to encoder: any Encoder) throws {
    var line = encoder.container(keyedBy: CodingKeys.self)
    try line.encode(split, forKey: .split)
    try line.encode(index, forKey: .index)
    try line.encode(prompt, forKey: .prompt)
    try line.encode(gold, forKey: .gold)
    try line.encode(answer, forKey: .answer)
    try line.encode(label, forKey: .label)
    try line.encode(correct, forKey: .correct)
    try line.encode(ranked, forKey: .ranked)
    try line.encode(scores, forKey: .scores)
  }
}

extension EvaluationReport {
  /// One JSON object a line for every prediction.
  func predictionLines(split: String) throws(ReportingError) -> String {
    let labels = confusion?.labels ?? []
    var text = ""
    for (index, prediction) in predictions.enumerated() {
      let line = PredictionLine(
        split: split, index: index, prompt: prediction.prompt.text,
        gold: prediction.prompt.answer, answer: prediction.answer,
        label: prediction.label.map { labels[$0] },
        correct: prediction.outcome == .correct,
        ranked: prediction.ranked.map { labels[$0] },
        scores: Dictionary(zip(labels, prediction.scores)) { first, _ in first })
      text += try JSONDocument(line, schemaVersion: ReportDocument.schemaVersion)
        .text(compact: true)
    }
    return text
  }
}
