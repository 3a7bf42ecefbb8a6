import Datasets

/// Prompts with their right answers, and which answers there are.
package struct Questions: Sendable {
  package let prompts: [Prompt]
  /// The only answers there are, as which every prompt's is one; nil when any text may be right.
  package let labels: [String]?
  /// What stands between a prompt and its answer: a space or nothing.
  package let separator: String

  package struct Prompt: Sendable, Equatable {
    package let text: String
    /// The right one; space and end of text around it do not count.
    package let answer: String

    package init(_ text: String, answer: String) {
      self.text = text
      self.answer = answer
    }
  }

  package init(_ prompts: [Prompt], labels: [String]?, separator: String = " ") {
    if let labels {
      precondition(!labels.isEmpty, "no labels")
      precondition(
        prompts.allSatisfy { labels.contains($0.answer) }, "an answer that is no label")
    }
    self.prompts = prompts
    self.labels = labels
    self.separator = separator
  }
}

extension Questions {
  /// Lets a model answer, and ranks the labels by a scorer where there is one.
  ///
  /// A label's score is the sum over its tokens, not divided by their number: the sum is the
  /// logarithm of the label's probability, while a mean would favour a long label for its sure last
  /// tokens (GPT-J's "entail" is nearly always followed by "ment"). End of text is not part of
  /// it, as in lm-evaluation-harness.
  ///
  /// - Throws: What `answer` throws, and what `Scorer.scores` does.
  func report(
    _ tokenizer: Tokenizer, scorer: Scorer?, answer: ([[Int32]]) throws -> [[Int32]]
  ) throws -> EvaluationReport {
    let answers = try answer(prompts.map { tokenizer.encode($0.text) })
    let scores = try scorer.map { try labelScores($0, tokenizer) }
    return EvaluationReport(
      labels: labels,
      prompts.indices.map { index in
        EvaluationReport.Prediction(
          prompts[index], answer: tokenizer.decode(answers[index]), labels: labels,
          scores: scores?[index] ?? [])
      })
  }

  /// For each prompt the logarithm of the probability of each label.
  private func labelScores(_ scorer: Scorer, _ tokenizer: Tokenizer) throws -> [[Double]] {
    let labels = labels ?? []
    let scores = try scorer.scores(
      prompts.flatMap { prompt in
        labels.map {
          ScoringRequest(context: prompt.text, continuation: separator + $0, tokenizer)
        }
      })
    return prompts.indices.map { index in
      scores[index * labels.count..<(index + 1) * labels.count].map(\.logLikelihood)
    }
  }
}
