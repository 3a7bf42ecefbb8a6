import Program

extension InferencePass {
  /// Keys and values of earlier tokens, kept on the tiles from run to run.
  ///
  /// One run takes new tokens of any sequences, prompts and continuations side by side; a cache
  /// holds `microBatchSize` sequences of `capacity` tokens. Passes of several `rows` over one cache
  /// are one machine: an emulator shares the cache and the weights among them.
  package struct Cache: Sendable, Hashable {
    /// New tokens of one run.
    package var rows: Int
    /// Rows of one run whose next token is asked for; only they go through the head.
    package var answers: Int
    /// What comes back.
    package var result: Result

    package enum Result: Sendable {
      /// The most likely ids, as without a cache.
      case ids
      /// Logits, for who wants to draw from them.
      case logits
    }

    package init(rows: Int, answers: Int, result: Result = .ids) {
      precondition(rows > 0 && answers > 0, "a cached pass has rows and answers")
      self.rows = rows
      self.answers = answers
      self.result = result
    }
  }

  /// Tokens that the cache has room for in each sequence: the sequence length in blocks of 16.
  package var capacity: Int { model.sequenceLength.shard(of: 16) * 16 }

  /// The integers that say where tokens go and which rows are asked for.
  private struct Directions {
    let places: TensorReference
    let lastRows: TensorReference
    let lastPlaces: TensorReference
  }

  /// Writes the pass over new tokens.
  func write(_ step: StepWriter, _ cache: Cache) {
    let builder = step.builder
    let attention = step.attention
    let kept = builder.declare(
      "cache", [microBatchSize, attention.heads, 2 * attention.sequence * attention.headSize],
      elementType, differsOver: .tensor, instances: [model.layers])
    let x = builder.temporary("x", [cache.rows, model.hiddenSize], elementType, differsOver: [])
    let directions = embed(into: x, cache, step)
    let last = model.layers - 1
    if last > 0 {
      builder.loop("layer", count: last) { layer in
        builder.phase("decoder_forward") {
          let rows = CachedRows(
            cache: TensorReference(kept, [layer]), places: directions.places)
          _ = TransformerBlock(step.loadBlock(layer)).forward(x, rows, step)
        }
      }
    }
    var y = x
    builder.phase("decoder_forward") {
      // Nobody reads the last layer's other rows, but for their keys and values.
      let layer = Affine(nil, last)
      let rows = CachedRows(
        cache: TensorReference(kept, [layer]), places: directions.places,
        selected: (directions.lastRows, directions.lastPlaces))
      y = TransformerBlock(step.loadBlock(layer)).forward(x, rows, step)
    }
    builder.phase("head") { answer(y, cache, step) }
  }

  private func embed(
    into x: TensorReference, _ cache: Cache, _ step: StepWriter
  ) -> Directions {
    let builder = step.builder
    var directions: Directions?
    builder.phase("embedding_forward") {
      directions = Directions(
        places: step.hostInput(HostTensor.places, [cache.rows]),
        lastRows: step.hostInput(HostTensor.lastRows, [cache.answers]),
        lastPlaces: step.hostInput(HostTensor.lastPlaces, [cache.answers]))
      let embedding = VocabParallelEmbedding(table: step.load(step.parameters.embedding))
      let partial = embedding.forward(step.hostInput(HostTensor.inputIDs, [cache.rows]), step)
      builder.emit(.copy, [partial], into: [x])
    }
    guard let directions else { preconditionFailure("a phase runs its body") }
    return directions
  }

  private func answer(_ y: TensorReference, _ cache: Cache, _ step: StepWriter) {
    let head = VocabParallelHead(step.parameters.head.map { step.load($0) })
    let logits = gather(head.forward(y, step), step)
    guard cache.result == .logits else { return storeIDs(logits, step) }
    let host = step.builder.declare(
      HostTensor.logits, step.builder[logits].shape, elementType, in: .host, differsOver: [])
    step.builder.emit(.hostStore, [logits], into: [TensorReference(host)])
  }
}
