package import Configuration
package import Datasets

/// The embedded entailment set as a task: its tokenizer, an endless stream of batches, and pairs
/// held out to answer.
package struct EntailmentTask {
  package let tokenizer: Tokenizer
  package let set: EntailmentSet

  /// - Throws: `DatasetsError` if the embedded vocabulary cannot be read.
  package init(seed: Int) throws(DatasetsError) {
    tokenizer = try Tokenizer.embedded()
    set = EntailmentSet(seed: UInt64(seed))
  }

  /// Batches of packed training prompts, each example used once, in their order.
  package func batches(_ configuration: FineTuningConfiguration) -> EntailmentBatches {
    EntailmentBatches(
      set: set, tokenizer: tokenizer, sequenceLength: configuration.model.sequenceLength,
      globalBatch: configuration.training.globalBatchSize)
  }

  package func heldOut(_ split: EntailmentSet.Split, count: Int) -> [EntailmentExample] {
    Array(set.examples(of: split, count: count))
  }
}

/// An endless stream of global batches of the generated training split.
package struct EntailmentBatches {
  private let globalBatch: Int
  private var chunks: PackedStream<TrainingPrompts>

  /// The training prompts of the set, one after the other.
  package struct TrainingPrompts: IteratorProtocol {
    fileprivate let set: EntailmentSet
    fileprivate var index = 0

    package mutating func next() -> String? {
      defer { index += 1 }
      return set.example(index, of: .train).trainingPrompt
    }
  }

  fileprivate init(
    set: EntailmentSet, tokenizer: Tokenizer, sequenceLength: Int, globalBatch: Int
  ) {
    self.globalBatch = globalBatch
    chunks = PackedStream(
      TrainingPrompts(set: set), tokenizer: tokenizer, sequenceLength: sequenceLength)
  }

  package mutating func next() -> Batch {
    var ids: [Int32] = []
    var labels: [Int32] = []
    for _ in 0..<globalBatch {
      guard let chunk = chunks.next() else { preconditionFailure("the stream has no end") }
      ids += chunk.dropLast()
      labels += chunk.dropFirst()
    }
    return Batch(ids: ids, labels: labels)
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
      "model.embedding.vocab_size is \(model), the embedded tokenizer has \(tokenizer) ids; "
        + "expected at least as many"
    case .notFollowed(let setting, let value, let expected):
      "\(setting) is \(value), training on this host follows only \(expected) so far"
    }
  }
}

extension EntailmentTask {
  /// - Throws: `TaskError` where the model cannot hold the tokenizer's ids, or where a setting asks
  ///   for what training does not do, rather than ignore it.
  package func check(_ configuration: FineTuningConfiguration) throws(TaskError) {
    let size = configuration.model.embedding.vocabSize
    guard size >= tokenizer.vocabularySize else {
      throw .vocabularyTooSmall(model: size, tokenizer: tokenizer.vocabularySize)
    }
    let dropout = configuration.model.dropoutProb
    guard dropout == 0 else {
      throw .notFollowed(setting: "model.dropout_prob", value: "\(dropout)", expected: "0")
    }
    for (setting, value) in [
      ("checkpoint.save", configuration.checkpoint.save),
      ("checkpoint.load", configuration.checkpoint.load),
    ] {
      guard let value else { continue }
      throw .notFollowed(setting: setting, value: value, expected: "null")
    }
  }
}
