package import Configuration
package import Datasets

/// What is trained and answered: a tokenizer, an endless stream of batches, and examples held out.
package struct TrainingTask {
  package let tokenizer: Tokenizer
  private let training: TrainingFile?
  private let validation: ExampleFile?
  /// Used where a file is not given; beside files the task need not fit it.
  private let embedded: Result<EmbeddedExamples, DatasetsError>
  private let task: TaskConfiguration

  /// Examples that were not trained on, under the name of their split or file.
  package struct HeldOut: Sendable {
    package let name: String
    package let examples: [Example]
    /// The only right answers there are; nil when any text may be one.
    package let labels: [String]?
  }

  /// - Parameters:
  ///   - task: The prompt, also of the files given here.
  ///   - seed: The embedded set's.
  ///   - tokenizer: The embedded one unless another is given.
  ///   - training: Trained on instead of the embedded set.
  ///   - validation: Answered instead of the embedded set's held-out pairs, which a model trained
  ///     on a file is not asked.
  /// - Throws: `DatasetsError` if the embedded vocabulary cannot be read, or where the embedded set is
  ///   used and does not fit the task.
  package init(
    _ task: TaskConfiguration = TaskConfiguration(), seed: Int, tokenizer: Tokenizer? = nil,
    training: TrainingFile? = nil, validation: ExampleFile? = nil
  ) throws(DatasetsError) {
    self.task = task
    if let tokenizer { self.tokenizer = tokenizer } else { self.tokenizer = try .embedded() }
    self.training = training
    self.validation = validation
    embedded = Result { () throws(DatasetsError) in
      try EmbeddedExamples(seed: UInt64(seed), task: task)
    }
    if training == nil, validation == nil { _ = try embedded.get() }
  }

  /// Training batches without end, in an order that depends on the data alone.
  ///
  /// The embedded set gives each example once. A file is packed as a whole and its sequences are
  /// drawn in `torch.randperm`'s order, epoch after epoch.
  ///
  /// A run resumed after `step` updates sees what an undisturbed one would see from there on. For
  /// the embedded set this encodes again all that is passed over, about a million tokens a second.
  ///
  /// - Throws: `DatasetsError` for a file that cannot be read, or does not fill one global batch, and
  ///   for a task that the embedded set does not fit.
  package func batches(
    _ configuration: FineTuningConfiguration, startingAt step: Int = 0
  ) throws(DatasetsError) -> TrainingBatches {
    precondition(step >= 0, "steps count from 0")
    let length = configuration.model.sequenceLength
    let globalBatch = configuration.training.globalBatchSize
    guard let training else {
      let packing = Packing(task.packing, sequenceLength: length)
      let prompts = TrainingBatches.TrainingPrompts(set: try embedded.get())
      var stream = PackedStream(prompts, tokenizer: tokenizer, packing: packing)
      stream.skip(step * globalBatch)
      return TrainingBatches(globalBatch: globalBatch, .stream(stream))
    }
    let sequences = try training.packed(tokenizer, sequenceLength: length)
    return TrainingBatches(
      globalBatch: globalBatch,
      .sampler(try BatchSampler(sequences, globalBatch: globalBatch), step: step))
  }

  /// The first `count` held-out pairs of each split, or of the validation file.
  package func heldOut(count: Int) -> [HeldOut] {
    if let validation {
      let examples = Array(validation.examples.prefix(count))
      return [HeldOut(name: "validation", examples: examples, labels: task.labels)]
    }
    guard training == nil, case .success(let generated) = embedded else { return [] }
    return [EntailmentSet.Split.validationMatched, .validationMismatched].map {
      HeldOut(
        name: $0.rawValue, examples: Array(generated.examples(of: $0, count: count)),
        labels: task.labels)
    }
  }
}

/// An endless stream of global batches.
package struct TrainingBatches {
  private let globalBatch: Int
  private var source: Source

  fileprivate enum Source {
    case stream(PackedStream<TrainingPrompts>)
    case sampler(BatchSampler, step: Int)
  }

  /// The training prompts of the embedded set, one after the other.
  package struct TrainingPrompts: IteratorProtocol {
    fileprivate let set: EmbeddedExamples
    fileprivate var index = 0

    package mutating func next() -> String? {
      defer { index += 1 }
      return set.example(index, of: .train).trainingPrompt
    }
  }

  fileprivate init(globalBatch: Int, _ source: Source) {
    self.globalBatch = globalBatch
    self.source = source
  }

  /// What packing made of a file; nil for the embedded set, which has no end.
  package var packed: PackingCounts? {
    guard case .sampler(let sampler, _) = source else { return nil }
    return sampler.sequences.counts
  }

  package mutating func next() -> Batch {
    switch source {
    case .sampler(var sampler, let step):
      let batch = sampler.batch(at: step)
      source = .sampler(sampler, step: step + 1)
      return batch
    case .stream(var chunks):
      var ids: [Int32] = []
      var labels: [Int32] = []
      for _ in 0..<globalBatch {
        guard let chunk = chunks.next() else { preconditionFailure("the stream has no end") }
        ids += chunks.packing.input(chunk)
        labels += chunks.packing.labels(chunk)
      }
      source = .stream(chunks)
      return Batch(ids: ids, labels: labels)
    }
  }
}

/// What keeps a model from being trained on a task.
package enum TaskError: Error, Equatable, CustomStringConvertible {
  case vocabularyTooSmall(model: Int, tokenizer: Int)
  /// A setting that would otherwise be without effect, and the only value that is followed.
  case notFollowed(setting: String, value: String, expected: String)

  package var description: String {
    switch self {
    case .vocabularyTooSmall(let model, let tokenizer):
      "model.embedding.vocab_size is \(model), the tokenizer has \(tokenizer) ids; "
        + "expected at least as many"
    case .notFollowed(let setting, let value, let expected):
      "\(setting) is \(value), training on this host follows only \(expected) so far"
    }
  }
}

extension TrainingTask {
  /// - Throws: `TaskError` where the model cannot hold the tokenizer's ids, or where a setting asks
  ///   for what training does not do, rather than ignore it.
  package func check(_ configuration: FineTuningConfiguration) throws(TaskError) {
    let size = configuration.model.embedding.vocabSize
    guard size >= tokenizer.vocabularySize else {
      throw .vocabularyTooSmall(model: size, tokenizer: tokenizer.vocabularySize)
    }
  }
}
