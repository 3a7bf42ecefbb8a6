import Datasets

/// Prompts whose right answer is one of a few labels.
package struct LabelledPrompts: Sendable {
  package let labels: [String]
  /// How each label goes on from a prompt, such as " neutral".
  package let continuations: [String]
  package let prompts: [Prompt]

  package struct Prompt: Sendable, Equatable {
    package let text: String
    /// The place of the right one among the labels.
    package let gold: Int

    package init(_ text: String, gold: Int) {
      self.text = text
      self.gold = gold
    }
  }

  package init(labels: [String], continuations: [String]? = nil, _ prompts: [Prompt]) {
    self.labels = labels
    self.continuations = continuations ?? labels.map { " " + $0 }
    precondition(self.continuations.count == labels.count, "a continuation for each label")
    precondition(
      prompts.allSatisfy { labels.indices.contains($0.gold) }, "every prompt's label is one")
    self.prompts = prompts
  }

  /// The label in an answer, nil when it is badly formed: anything but exactly a label, once white
  /// space and end of text are stripped from both ends.
  func label(in answer: String) -> Int? { labels.firstIndex(of: String(strippedAnswer(answer))) }
}

/// How a model answered labelled prompts: freely, and by which label it finds most likely.
package struct EvaluationReport: Sendable, Equatable {
  package let answers: ConfusionMatrix
  /// Nil where the labels were not ranked.
  package let ranking: ConfusionMatrix?
  /// One for each prompt, in order.
  package let predictions: [Prediction]

  package struct Prediction: Sendable, Equatable {
    package let prompt: LabelledPrompts.Prompt
    /// As it was generated, end of text included where it came.
    package let answer: String
    /// The answered label; nil for a badly formed answer.
    package let label: Int?
    /// Natural logarithms of the labels' probabilities after the prompt; empty where not ranked.
    package let scores: [Double]

    /// The most likely label, the first of equal ones.
    package var ranked: Int? { scores.indices.max { (scores[$0], $1) < (scores[$1], $0) } }
  }

  init(labels: [String], _ predictions: [Prediction]) {
    var answers = ConfusionMatrix(labels: labels)
    var ranking: ConfusionMatrix?
    for prediction in predictions {
      let gold = prediction.prompt.gold
      answers.record(gold: gold, answer: prediction.label)
      guard let ranked = prediction.ranked else { continue }
      var matrix = ranking ?? ConfusionMatrix(labels: labels)
      matrix.record(gold: gold, answer: ranked)
      ranking = matrix
    }
    self.answers = answers
    self.ranking = ranking
    self.predictions = predictions
  }

  package var examples: Int { answers.examples }
  package var badlyFormed: Int { answers.badlyFormed }
  package var incorrect: Int { answers.incorrect }
  package var correct: Int { answers.correct }
  package var accuracy: Double { answers.accuracy }
}

extension LabelledPrompts {
  /// Lets a model answer, and ranks the labels by a scorer where there is one.
  ///
  /// A label's score is the sum over its tokens, not divided by their number: the sum is the
  /// logarithm of the label's probability, while a mean would favour a long label for its sure last
  /// tokens ("entailment" is three tokens of GPT-J's, "neutral" one). End of text is not part of it, as in
  /// lm-evaluation-harness.
  ///
  /// - Throws: What `answer` throws, and what `Scorer.scores` does.
  func report(
    _ tokenizer: Tokenizer, scorer: Scorer?, answer: ([[Int32]]) throws -> [[Int32]]
  ) throws -> EvaluationReport {
    let answers = try answer(prompts.map { tokenizer.encode($0.text) })
    let scores = try scorer.map { try self.scores($0, tokenizer) }
    return EvaluationReport(
      labels: labels,
      prompts.indices.map { index in
        let text = tokenizer.decode(answers[index])
        return EvaluationReport.Prediction(
          prompt: prompts[index], answer: text, label: label(in: text),
          scores: scores?[index] ?? [])
      })
  }

  /// For each prompt the logarithm of the probability of each label.
  private func scores(_ scorer: Scorer, _ tokenizer: Tokenizer) throws -> [[Double]] {
    let scores = try scorer.scores(
      prompts.flatMap { prompt in
        continuations.map { ScoringRequest(context: prompt.text, continuation: $0, tokenizer) }
      })
    return prompts.indices.map { index in
      scores[index * labels.count..<(index + 1) * labels.count].map(\.logLikelihood)
    }
  }
}
