/// What single values cannot show: settings that are legal alone and wrong together.
package struct ConfigurationChecker: Sendable {
  /// Where the settings were written; nil for a configuration made by code.
  private let tree: YAMLNode?

  /// Checks a configuration that was read from `tree`, or one that code has put together.
  package init(tree: YAMLNode? = nil) {
    self.tree = tree
  }

  func checkModel(
    _ model: ModelConfiguration, _ execution: ExecutionConfiguration
  ) throws(ConfigurationError) {
    let heads = model.attention.heads
    guard model.hiddenSize % heads == 0 else {
      throw failure(
        ["model.attention.heads", "model.hidden_size"],
        "model.hidden_size \(model.hiddenSize) is not a multiple of model.attention.heads \(heads)",
        "a hidden_size of \(multiples(of: heads, around: model.hiddenSize))")
    }
    let headSize = model.hiddenSize / heads
    let rotary = model.attention.rotaryDim
    guard rotary % 2 == 0, rotary <= headSize else {
      throw failure(
        ["model.attention.rotary_dim", "model.attention.heads", "model.hidden_size"],
        "model.attention.rotary_dim is \(rotary)",
        "an even number up to the head size, hidden_size / heads = \(headSize)")
    }
    let blocks = execution.attentionSerialisation
    guard model.sequenceLength % blocks == 0 else {
      throw failure(
        ["model.sequence_length", "execution.attention_serialisation"],
        "model.sequence_length \(model.sequenceLength) is not a multiple of "
          + "execution.attention_serialisation \(blocks)",
        "a sequence_length of \(multiples(of: blocks, around: model.sequenceLength))")
    }
  }

  func checkBatch(
    _ training: TrainingConfiguration, _ execution: ExecutionConfiguration
  ) throws(ConfigurationError) {
    let (replicas, microBatch) = (execution.dataParallel, execution.microBatchSize)
    let batch = training.globalBatchSize
    guard batch % (replicas * microBatch) == 0 else {
      throw failure(
        [
          "training.global_batch_size", "execution.data_parallel", "execution.micro_batch_size",
        ],
        "training.global_batch_size is \(batch)",
        "a multiple of data_parallel x micro_batch_size = \(replicas) x \(microBatch): "
          + multiples(of: replicas * microBatch, around: batch))
    }
  }

  /// A training step's head works through equal chunks of a micro-batch's tokens.
  func checkHead(
    _ model: ModelConfiguration, _ execution: ExecutionConfiguration
  ) throws(ConfigurationError) {
    let (length, microBatch) = (model.sequenceLength, execution.microBatchSize)
    let (tokens, chunks) = (microBatch * length, execution.headSerialisation)
    guard tokens % chunks == 0 else {
      throw failure(
        ["execution.head_serialisation", "execution.micro_batch_size", "model.sequence_length"],
        "execution.head_serialisation \(chunks) does not divide the \(tokens) tokens of "
          + "execution.micro_batch_size \(microBatch) x model.sequence_length \(length)",
        "a head_serialisation of \(tokens.divisors(around: chunks))")
    }
  }

  func checkLearningRate(
    _ rate: LearningRateConfiguration
  ) throws(ConfigurationError) {
    guard rate.minimum <= rate.maximum else {
      throw failure(
        [
          "training.optimizer.learning_rate.minimum", "training.optimizer.learning_rate.maximum",
        ],
        "training.optimizer.learning_rate.minimum is \(rate.minimum)",
        "at most learning_rate.maximum \(rate.maximum)")
    }
  }

  func checkTask(
    _ task: TaskConfiguration, _ model: ModelConfiguration
  ) throws(ConfigurationError) {
    guard task.packing == .reference || model.sequenceLength > 1 else {
      throw failure(
        ["task.packing", "model.sequence_length"],
        "model.sequence_length is 1 and task.packing run_clm has no label for the last token",
        "a sequence_length of at least 2")
    }
  }

  func checkInference(
    _ model: ModelConfiguration, _ execution: ExecutionConfiguration,
    _ inference: InferenceConfiguration
  ) throws(ConfigurationError) {
    guard model.eval else {
      throw failure(["model.eval"], "model.eval is false", "true for inference")
    }
    guard execution.dataParallel == 1 else {
      throw failure(
        ["execution.data_parallel"], "execution.data_parallel is \(execution.dataParallel)",
        "1 for inference")
    }
    guard inference.outputLength < model.sequenceLength else {
      throw failure(
        ["inference.output_length", "model.sequence_length"],
        "inference.output_length is \(inference.outputLength)",
        "less than model.sequence_length \(model.sequenceLength), to leave room for a prompt")
    }
  }

  func checkCheckpoint(_ checkpoint: CheckpointConfiguration) throws(ConfigurationError) {
    guard checkpoint.steps == 0 || checkpoint.save != nil else {
      throw failure(
        ["checkpoint.steps"], "checkpoint.steps is \(checkpoint.steps) and nothing says where to",
        "a directory in checkpoint.save")
    }
  }

  /// A rank above the hidden size is no low one.
  func checkLoRA(
    _ lora: LoRAConfiguration, _ model: ModelConfiguration
  ) throws(ConfigurationError) {
    guard lora.rank <= model.hiddenSize else {
      throw failure(
        ["lora.rank", "model.hidden_size"], "lora.rank is \(lora.rank)",
        "at most model.hidden_size, \(model.hiddenSize)")
    }
  }

  /// Bounds the FLOPs of a step and of an evaluation's pass, the largest numbers that are counted
  /// exactly, to 64 bits.
  ///
  /// The estimate is on the safe side: 10 per parameter and token (forward, backward, recompute and
  /// a spare) and 16 for each pair of positions and hidden dimension.
  func checkWork(
    _ model: ModelConfiguration, _ lora: LoRAConfiguration = LoRAConfiguration(), sequences: Int
  ) throws(ConfigurationError) {
    let (hidden, length) = (Double(model.hiddenSize), Double(model.sequenceLength))
    let layers = Double(model.layers)
    // Adapters everywhere have 18 times hidden size times rank.
    let parameters =
      (12 * hidden + 18 * Double(lora.rank)) * layers * hidden
      + 2 * Double(model.embedding.vocabSize) * hidden
    let perToken = 10 * parameters + 16 * layers * hidden * length
    let limit = 0x1p62
    // A pass of the evaluation has its own shape, of at most so many tokens, whatever the batch.
    let (step, pass) = (length * Double(sequences), 4096.0)
    let tokens = max(step, pass)
    guard perToken * tokens <= limit else {
      throw failure(
        [
          "model.layers", "model.hidden_size", "model.sequence_length",
          "training.global_batch_size", "execution.micro_batch_size", "model.embedding.vocab_size",
        ],
        "\(step >= pass ? "one step" : "a pass of the evaluation") is about "
          + "\(perToken * tokens) FLOP",
        "at most \(limit), about a thousand steps of GPT-J 6B: fewer or smaller layers, "
          + "shorter sequences or a smaller batch")
    }
  }

  /// Bounds the tokens of a whole run to 64 bits; the largest published runs have 2^44.
  func checkTokens(
    _ model: ModelConfiguration, _ training: TrainingConfiguration
  ) throws(ConfigurationError) {
    let tokensPerStep = Double(training.globalBatchSize) * Double(model.sequenceLength)
    let tokens = tokensPerStep * Double(training.steps)
    guard tokens <= 0x1p62 else {
      throw failure(
        ["training.steps", "training.global_batch_size", "model.sequence_length"],
        "the whole run has \(tokens) tokens", "at most \(0x1p62)")
    }
  }

  /// The multiples of `step` on both sides of `value`.
  private func multiples(of step: Int, around value: Int) -> String {
    let below = value / step * step
    return below > 0 ? "\(below) or \(below + step)" : "\(step)"
  }

  /// Blames the setting that a flag or variable changed, else the first.
  private func failure(
    _ paths: [String], _ what: String, _ expected: String
  ) -> ConfigurationError {
    let places = paths.compactMap { tree?.place(ofPath: $0) }
    let place = places.first { $0.line == 0 } ?? places.first ?? tree?.place
    return ConfigurationError(
      .inconsistent, at: place ?? Place("configuration"), what, expected: expected)
  }
}

extension Int {
  /// The divisors of a positive number on both sides of one that is none, "2 or 4"; the larger only
  /// where it is in reach.
  package func divisors(around other: Int) -> String {
    let below = (1...Swift.max(1, Swift.min(other, self))).last { self % $0 == 0 } ?? 1
    let reach = Swift.min(self, 1_048_576)
    let above = other < reach ? (other...reach).first { self % $0 == 0 } : nil
    return above.map { "\(below) or \($0)" } ?? "\(below)"
  }
}

extension YAMLNode {
  /// Where the setting with this dotted path was written, nil when it was not.
  func place(ofPath path: String) -> Place? {
    var node: YAMLNode? = self
    for key in path.split(separator: ".") { node = node?[String(key)] }
    return node?.place
  }
}
