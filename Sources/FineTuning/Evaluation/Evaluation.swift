package import Datasets
package import Emulator
import GPTJ
import Program

extension Questions {
  /// Examples of a task, and the labels that are its only answers, if it has some.
  package init(_ examples: [Example], labels: [String]?) {
    self.init(
      examples.map { Prompt($0.validationPrompt, answer: $0.answer) }, labels: labels,
      separator: examples.first?.separator ?? " ")
  }
}

extension PretrainedModel {
  /// Lets the model answer these questions, greedily: the notebook's accuracy.
  ///
  /// With `ranksLabels` the labels are also scored after each prompt, at the cost of a pass over it
  /// for each label of more than one token, and at least one: one for MNLI's in GPT-J's vocabulary.
  ///
  /// - Throws: As `answers` and `Scorer.scores` do.
  package func evaluate(
    _ questions: Questions, outputLength: Int = 5, batch: Int = 16, ranksLabels: Bool = false,
    _ options: Emulator.Options
  ) throws -> EvaluationReport {
    try questions.report(
      tokenizer, scorer: ranksLabels && questions.labels != nil ? scorer(options) : nil
    ) {
      try answers(to: $0, outputLength: outputLength, batch: batch, options)
    }
  }
}

extension Trainer {
  /// Lets the model as trained so far answer these questions, greedily, on the same sharding.
  ///
  /// - Throws: As `Generator` and `Scorer.scores` do.
  package func evaluate(
    _ questions: Questions, tokenizer: Tokenizer, outputLength: Int = 5, batch: Int = 16,
    ranksLabels: Bool = false, _ options: Emulator.Options
  ) throws -> EvaluationReport {
    func write(_ transfer: ParameterTransfer, _ emulator: Emulator) {
      transfer.write(to: emulator) { weight($0) }
    }
    var model = step.model
    // As the reference: no longer than the longest prompt and its answer.
    let longest = questions.prompts.map { tokenizer.encode($0.text).count }.max() ?? 1
    let label =
      (questions.labels ?? []).map { tokenizer.encode(questions.separator + $0).count }.max() ?? 0
    model.sequenceLength = longest + (ranksLabels ? max(outputLength, label) : outputLength)
    let scorer = Scorer(model, tensorParallel: step.plan.tensorParallel, options, write: write)
    return try questions.report(
      tokenizer, scorer: ranksLabels && questions.labels != nil ? scorer : nil
    ) { ids in
      // A pass needs the whole model a second time.
      guard !ids.isEmpty else { return [] }
      let pass = InferencePass(
        model: model, tensorParallel: step.plan.tensorParallel, microBatchSize: batch,
        elementType: .float32)
      return try Generator(
        pass, outputLength: outputLength, endOfText: tokenizer.endOfTextID, options, write: write
      ).answers(to: ids)
    }
  }
}
