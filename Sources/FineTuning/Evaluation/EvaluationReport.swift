import Datasets

/// How a model answered questions: freely, and by which label it finds most likely.
package struct EvaluationReport: Sendable, Equatable {
  /// One for each prompt, in order.
  package let predictions: [Prediction]
  /// Which label was answered for which; nil where any text may be an answer.
  package let confusion: ConfusionMatrix?
  /// The same for the most likely label in place of the answer; nil where labels were not ranked.
  package let ranking: ConfusionMatrix?

  package enum Outcome: Sendable, Equatable {
    /// Exactly the right answer, once white space and end of text are stripped from both ends.
    case correct
    case incorrect
    /// None of the labels, or empty where any text may be an answer; counts as wrong.
    case badlyFormed
  }

  package struct Prediction: Sendable, Equatable {
    package let prompt: Questions.Prompt
    /// As it was generated, end of text included where it came.
    package let answer: String
    package let outcome: Outcome
    /// The place of the answered label; nil for none of them.
    package let label: Int?
    /// Natural logarithms of the labels' probabilities after the prompt; empty where not ranked.
    package let scores: [Double]

    /// The place of the most likely label, the first of equal ones.
    package var ranked: Int? { scores.indices.max { (scores[$0], $1) < (scores[$1], $0) } }
  }

  init(labels: [String]?, _ predictions: [Prediction]) {
    self.predictions = predictions
    func matrix(_ answer: (Prediction) -> Int?) -> ConfusionMatrix? {
      guard let labels else { return nil }
      var matrix = ConfusionMatrix(labels: labels)
      for prediction in predictions {
        guard let gold = labels.firstIndex(of: prediction.prompt.answer) else { continue }
        matrix.record(gold: gold, answer: answer(prediction))
      }
      return matrix
    }
    confusion = matrix(\.label)
    let isRanked = predictions.contains { !$0.scores.isEmpty }
    ranking = isRanked ? matrix(\.ranked) : nil
  }

  package var examples: Int { predictions.count }
  package var badlyFormed: Int { predictions.count { $0.outcome == .badlyFormed } }
  package var incorrect: Int { predictions.count { $0.outcome == .incorrect } }
  package var correct: Int { predictions.count { $0.outcome == .correct } }
  /// Of all examples, badly formed answers among them; 0 without any.
  package var accuracy: Double { examples == 0 ? 0 : Double(correct) / Double(examples) }
}

extension EvaluationReport.Prediction {
  /// Judges an answer, byte for byte.
  init(_ prompt: Questions.Prompt, answer: String, labels: [String]?, scores: [Double]) {
    self.prompt = prompt
    self.answer = answer
    self.scores = scores
    let word = strippedAnswer(answer)
    label = labels?.firstIndex { $0.utf8.elementsEqual(word.utf8) }
    if word.utf8.elementsEqual(strippedAnswer(prompt.answer).utf8) {
      outcome = .correct
    } else if labels == nil ? word.isEmpty : label == nil {
      outcome = .badlyFormed
    } else {
      outcome = .incorrect
    }
  }
}
