package import Checkpoints
package import Datasets
package import Emulator
import GPTJ
import Program

/// A Hugging Face directory's model and tokenizer, to continue prompts on emulated shards.
package struct PretrainedModel {
  package let directory: HuggingFaceDirectory
  package let tokenizer: Tokenizer
  package let tensorParallel: Int

  /// Opens and checks the directory; weights are read when something is generated.
  ///
  /// - Throws: `CheckpointError`, `DatasetsError`, or `TaskError` for a vocabulary that has fewer
  ///   ids than the tokenizer.
  package init(path: String, tensorParallel: Int = 1) throws {
    directory = try HuggingFaceDirectory(path: path)
    tokenizer = try Tokenizer(directory: path)
    self.tensorParallel = tensorParallel
    guard directory.config.vocabulary >= tokenizer.vocabularySize else {
      throw TaskError.vocabularyTooSmall(
        model: directory.config.vocabulary, tokenizer: tokenizer.vocabularySize)
    }
  }

  /// The greedy continuations of the prompts, end of text included where it came.
  ///
  /// Costs a forward pass over the longest prompt and its answer for every token, `batch` prompts
  /// at once: there is no key-value cache, as in the reference.
  ///
  /// - Throws: `GenerationError` for an empty prompt or one beyond the model's positions,
  ///   `PlanError`, `EmulatorError`, and `CheckpointError` for weights that are not finite.
  package func answers(
    to prompts: [[Int32]], outputLength: Int, batch: Int = 16, _ options: Emulator.Options
  ) throws -> [[Int32]] {
    try generator(for: prompts, outputLength: outputLength, batch: batch, options)
      .answers(to: prompts)
  }

  /// Lets the model answer these pairs: the notebook's accuracy.
  ///
  /// - Throws: As `answers` does.
  package func evaluate(
    _ examples: [Example], labels: [String]?, outputLength: Int = 5, batch: Int = 16,
    _ options: Emulator.Options
  ) throws -> EntailmentReport {
    let prompts = examples.map { tokenizer.encode($0.validationPrompt) }
    return try EntailmentReport(
      examples, prompts, labels: labels, tokenizer: tokenizer,
      generator(for: prompts, outputLength: outputLength, batch: batch, options))
  }

  private func generator(
    for prompts: [[Int32]], outputLength: Int, batch: Int, _ options: Emulator.Options
  ) throws -> GreedyGenerator {
    let config = directory.config
    let longest = prompts.map(\.count).max() ?? 1
    guard longest + outputLength <= config.positions else {
      throw GenerationError.positions(
        prompt: longest, outputLength: outputLength, positions: config.positions)
    }
    let model = GPTJModel(
      layers: config.layers, hiddenSize: config.hidden, heads: config.heads,
      vocabularySize: config.vocabulary, sequenceLength: longest + outputLength,
      rotarySize: config.rotary)
    let pass = InferencePass(
      model: model, tensorParallel: tensorParallel,
      microBatchSize: max(1, min(batch, prompts.count)), elementType: .float32)
    return try GreedyGenerator(
      pass, outputLength: outputLength, endOfText: tokenizer.endOfTextID, options
    ) { transfer, emulator in
      try transfer.write(to: emulator) { name in try directory.floats(of: name) }
    }
  }
}
