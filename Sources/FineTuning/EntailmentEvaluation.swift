package import Datasets
package import Emulator
import GPTJ

/// How many held-out pairs a trained model answers with the right label: the notebook's report.
package struct EntailmentReport: Sendable, Equatable {
  package var examples = 0
  /// Answers that are none of the labels, or empty where any text is an answer; they count as wrong.
  package var badlyFormed = 0
  package var incorrect = 0
  package var correct = 0

  package var accuracy: Double { examples == 0 ? 0 : Double(correct) / Double(examples) }
}

extension EntailmentReport {
  /// Lets a generator answer the examples, and counts.
  ///
  /// - Throws: `GenerationError` for a prompt that leaves no room for an answer.
  init(
    _ examples: [Example], _ prompts: [[Int32]], labels: [String]?, tokenizer: Tokenizer,
    _ generator: GreedyGenerator
  ) throws(GenerationError) {
    for (example, answer) in zip(examples, try generator.answers(to: prompts)) {
      self.examples += 1
      let text = tokenizer.decode(answer)
      let word = String(strippedAnswer(text))
      if example.isAnswered(by: text) {
        correct += 1
      } else if labels.map({ $0.contains(word) }) ?? !word.isEmpty {
        incorrect += 1
      } else {
        badlyFormed += 1
      }
    }
  }
}

extension Trainer {
  /// Lets the model as trained so far answer these examples, greedily, on the same sharding.
  ///
  /// - Throws: `PlanError`, `EmulatorError` or `GenerationError`, as `GreedyGenerator` does.
  package func evaluate(
    _ examples: [Example], labels: [String]?, tokenizer: Tokenizer, outputLength: Int = 5,
    batch: Int = 16, _ options: Emulator.Options
  ) throws -> EntailmentReport {
    let prompts = examples.map { tokenizer.encode($0.validationPrompt) }
    var model = step.model
    // As the reference: no longer than the longest prompt and its answer.
    model.sequenceLength = (prompts.map(\.count).max() ?? 1) + outputLength
    let pass = InferencePass(
      model: model, tensorParallel: step.plan.tensorParallel, microBatchSize: batch,
      elementType: step.elementType)
    let weights = Dictionary(
      uniqueKeysWithValues: transfer.read(from: emulator).map { ($0.name, $0.values) })
    let generator = try GreedyGenerator(
      pass, outputLength: outputLength, endOfText: tokenizer.endOfTextID, options
    ) { transfer, emulator in
      transfer.write(to: emulator) { weights[$0] ?? [] }
    }
    return try EntailmentReport(examples, prompts, labels: labels, tokenizer: tokenizer, generator)
  }
}
