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
  /// Merged into the weights as they are read.
  package let adapter: PEFTAdapter?
  /// Nil for a directory that no training run left.
  private let checkpoint: TrainingCheckpoint?

  /// Opens and checks the directory, or the newest checkpoint of a run's folder; weights are read when
  /// they are needed, and a checkpoint's compared with their checksums.
  ///
  /// A checkpoint's own adapter is merged in unless another is given.
  ///
  /// - Throws: `CheckpointError`, also for an adapter of another model, `DatasetsError`, or
  ///   `TaskError` for a vocabulary that has fewer ids than the tokenizer.
  package init(path: String, tensorParallel: Int = 1, adapter: PEFTAdapter? = nil) throws {
    let path = try RunFolder.modelPath(path)
    checkpoint = try TrainingCheckpoint.isThere(path) ? TrainingCheckpoint(path: path) : nil
    directory = try checkpoint?.directory ?? HuggingFaceDirectory(path: path)
    tokenizer = try Tokenizer(directory: path)
    self.tensorParallel = tensorParallel
    self.adapter = adapter ?? checkpoint?.adapter
    try adapter?.check(directory.config)
    guard directory.config.vocabulary >= tokenizer.vocabularySize else {
      throw TaskError.vocabularyTooSmall(
        model: directory.config.vocabulary, tokenizer: tokenizer.vocabularySize)
    }
  }

  /// The greedy continuations of the prompts, end of text included where it came.
  ///
  /// - Throws: As `generator` and `Generator.answers` do.
  package func answers(
    to prompts: [[Int32]], outputLength: Int, batch: Int = 32, _ options: Emulator.Options
  ) throws -> [[Int32]] {
    try generator(for: prompts, outputLength: outputLength, batch: batch, options)
      .answers(to: prompts)
  }

  /// Reads the weights onto emulated shards, ready to continue such prompts.
  ///
  /// Keeps keys and values of `batch` prompts at once, each of `sequenceLength` tokens; that is the
  /// longest prompt and its answer where it is not given. Drawn from `sampling`, or greedy.
  ///
  /// - Throws: `GenerationError` for more tokens than the model has positions, `PlanError`,
  ///   `EmulatorError`, and `CheckpointError` for weights that are not finite.
  package func generator(
    for prompts: [[Int32]], outputLength: Int, sequenceLength: Int? = nil, batch: Int = 32,
    sampling: Sampling? = nil, _ options: Emulator.Options
  ) throws -> Generator {
    let config = directory.config
    let longest = prompts.map(\.count).max() ?? 1
    let length = sequenceLength ?? longest + outputLength
    guard length <= config.positions else {
      throw sequenceLength == nil
        ? GenerationError.positions(
          prompt: longest, outputLength: outputLength, positions: config.positions)
        : GenerationError.sequenceLength(length, positions: config.positions)
    }
    let model = GPTJModel(
      layers: config.layers, hiddenSize: config.hidden, heads: config.heads,
      vocabularySize: config.vocabulary, sequenceLength: length, rotarySize: config.rotary)
    let pass = InferencePass(
      model: model, tensorParallel: tensorParallel,
      // No more than a place in the cache can number.
      microBatchSize: max(1, min(batch, prompts.count, Int(Int32.max) / (length + 16))),
      elementType: .float32)
    return try Generator(
      pass, outputLength: outputLength, endOfText: tokenizer.endOfTextID, sampling: sampling,
      options
    ) { transfer, emulator in
      try transfer.write(to: emulator) { name in try floats(of: name) }
    }
  }

  /// One weight, its adapter merged in.
  func floats(of name: String) throws(CheckpointError) -> [Float] {
    let weight =
      if let checkpoint { try checkpoint.weight(name) } else { try directory.floats(of: name) }
    guard let adapter else { return weight }
    let lora = adapter.config.lora
    guard let (a, b) = lora.adapterNames(ofWeight: name) else { return weight }
    guard let checkpoint, checkpoint.adapter === adapter else {
      return lora.merged(weight, a: try adapter.floats(of: a), b: try adapter.floats(of: b))
    }
    return lora.merged(
      weight, a: try checkpoint.adapterWeight(a), b: try checkpoint.adapterWeight(b))
  }
}
