package import Datasets
package import Emulator
import GPTJ

extension LabelledPrompts {
  /// Entailment pairs as the notebook asks them.
  package init(_ examples: [EntailmentExample]) {
    let labels = EntailmentLabel.allCases
    self.init(
      labels: labels.map(\.rawValue),
      examples.map { Prompt($0.validationPrompt, gold: labels.firstIndex(of: $0.label) ?? 0) })
  }
}

extension PretrainedModel {
  /// Lets the model answer these prompts, greedily: the notebook's accuracy.
  ///
  /// With `ranksLabels` the labels are also scored after each prompt, at about the cost of as many
  /// passes over it as there are labels of more than one token.
  ///
  /// - Throws: As `answers` and `Scorer.scores` do.
  package func evaluate(
    _ prompts: LabelledPrompts, outputLength: Int = 5, batch: Int = 16, ranksLabels: Bool = false,
    _ options: Emulator.Options
  ) throws -> EvaluationReport {
    try prompts.report(tokenizer, scorer: ranksLabels ? scorer(options) : nil) {
      try answers(to: $0, outputLength: outputLength, batch: batch, options)
    }
  }
}

extension Trainer {
  /// Lets the model as trained so far answer these prompts, greedily, on the same sharding.
  ///
  /// - Throws: As `GreedyGenerator` and `Scorer.scores` do.
  package func evaluate(
    _ prompts: LabelledPrompts, tokenizer: Tokenizer, outputLength: Int = 5, batch: Int = 16,
    ranksLabels: Bool = false, _ options: Emulator.Options
  ) throws -> EvaluationReport {
    let weights = Dictionary(
      uniqueKeysWithValues: transfer.read(from: emulator).map { ($0.name, $0.values) })
    func write(_ transfer: ParameterTransfer, _ emulator: Emulator) {
      transfer.write(to: emulator) { weights[$0] ?? [] }
    }
    var model = step.model
    // As the reference: no longer than the longest prompt and its answer.
    let longest = prompts.prompts.map { tokenizer.encode($0.text).count }.max() ?? 1
    let label = prompts.continuations.map { tokenizer.encode($0).count }.max() ?? 0
    model.sequenceLength = longest + (ranksLabels ? max(outputLength, label) : outputLength)
    let scorer = Scorer(model, tensorParallel: step.plan.tensorParallel, options, write: write)
    return try prompts.report(tokenizer, scorer: ranksLabels ? scorer : nil) { ids in
      let pass = InferencePass(
        model: model, tensorParallel: step.plan.tensorParallel, microBatchSize: batch,
        elementType: step.elementType)
      return try GreedyGenerator(
        pass, outputLength: outputLength, endOfText: tokenizer.endOfTextID, options, write: write
      ).answers(to: ids)
    }
  }
}
