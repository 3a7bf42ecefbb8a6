package import Program

/// One forward pass over padded prompts that yields each sequence's most likely next token.
///
/// As the reference does it: no key-value cache, every layer loaded from streaming memory for
/// every token, the head over all positions (Graphcore examples, nlp/gpt_j/popxl). With a `cache`,
/// over new tokens only.
package struct InferencePass {
  package var model: GPTJModel
  package var tensorParallel: Int
  package var microBatchSize: Int
  package var elementType: ElementType
  /// Off by default: the reference has none.
  package var cache: Cache?

  package init(
    model: GPTJModel, tensorParallel: Int, microBatchSize: Int, elementType: ElementType,
    cache: Cache? = nil
  ) {
    self.model = model
    self.tensorParallel = tensorParallel
    self.microBatchSize = microBatchSize
    self.elementType = elementType
    self.cache = cache
  }

  /// Names of the host tensors that a pass reads and writes.
  package enum HostTensor {
    /// int32 (T): micro-batch x sequence ids, padded on the right; with a cache the new tokens.
    package static let inputIDs = "host.input_ids"
    /// int32 (B): the row of T whose next token is asked for, for each sequence.
    package static let lastRows = "host.last_rows"
    /// int32 (B).
    package static let nextIDs = "host.next_ids"
    /// int32 (T): where each new token goes: sequence number x `capacity` + position, or -1.
    package static let places = "host.places"
    /// int32 (B): the places of `lastRows`.
    package static let lastPlaces = "host.last_places"
    /// float (TP, B, V / TP): the shards of the logits of `lastRows`, the last padded.
    package static let logits = "host.logits"
  }

  /// The plan of a pass: one replica, one micro-batch.
  package var plan: ParallelPlan {
    ParallelPlan(
      tensorParallel: tensorParallel, dataParallel: 1, microBatchSize: microBatchSize,
      gradientAccumulation: 1)
  }

  /// Writes the Program.
  ///
  /// - Throws: `PlanError` where the plan cannot split the model.
  package func program() throws(PlanError) -> Program {
    if let reason = plan.illegality(for: model) { throw reason }
    var model = model
    if cache != nil { model.sequenceLength = capacity }
    let step = StepWriter(name: "inference_pass", model: model, plan: plan, type: elementType)
    step.declareStorage(training: false)
    if let cache { write(step, cache) } else { write(step) }
    return step.builder.build()
  }

  private func write(_ step: StepWriter) {
    let builder = step.builder
    let x = builder.temporary("x", [step.tokens, model.hiddenSize], elementType, differsOver: [])
    builder.phase("embedding_forward") {
      let embedding = VocabParallelEmbedding(table: step.load(step.parameters.embedding))
      let partial = embedding.forward(step.hostInput(HostTensor.inputIDs, [step.tokens]), step)
      builder.emit(.copy, [partial], into: [x])
    }
    builder.loop("layer", count: model.layers) { layer in
      builder.phase("decoder_forward") {
        let block = TransformerBlock(step.loadBlock(layer))
        _ = block.forward(x, into: x, step)
      }
    }
    builder.phase("head") {
      let head = VocabParallelHead(step.parameters.head.map { step.load($0) })
      nextTokens(head.forward(x, step), step)
    }
  }

  /// Picks each sequence's last row, gathers its logits' shards and takes the largest.
  private func nextTokens(_ logits: TensorReference, _ step: StepWriter) {
    let rowNumbers = step.hostInput(HostTensor.lastRows, [microBatchSize])
    storeIDs(gather(step.select(logits, rowNumbers, "last_logits"), step), step)
  }

  /// Logits (B, Vl) of all ranks, shard by shard (TP, B, Vl).
  func gather(_ logits: TensorReference, _ step: StepWriter) -> TensorReference {
    guard step.isParallel(.tensor) else { return logits }
    let builder = step.builder
    let gathered = builder.temporary(
      "gathered_logits", [tensorParallel] + builder[logits].shape, elementType, differsOver: [])
    builder.emit(.collective(.allGather, over: .tensor), [logits], into: [gathered])
    return gathered
  }

  /// The most likely id of each row of gathered logits, to the host.
  func storeIDs(_ gathered: TensorReference, _ step: StepWriter) {
    let builder = step.builder
    let batch = builder[gathered].shape.dropLast().last ?? 1
    let nextIDs = builder.declare(HostTensor.nextIDs, [batch], .int32, in: .host, differsOver: [])
    let ids = builder.temporary("next_ids", [batch], .int32, differsOver: [])
    builder.emit(.argmax(vocabulary: model.vocabularySize), [gathered], into: [ids])
    builder.emit(.hostStore, [ids], into: [TensorReference(nextIDs)])
  }
}

extension StepWriter {
  /// Integers that the host hands to every rank, on the tiles.
  func hostInput(_ name: String, _ shape: [Int]) -> TensorReference {
    hostLoad(TensorReference(builder.declare(name, shape, .int32, in: .host, differsOver: [])))
  }

  /// Those rows of a matrix.
  func select(_ x: TensorReference, _ rows: TensorReference, _ name: String) -> TensorReference {
    let selected = builder.temporary(
      name, [builder[rows].count, builder[x].columns], builder[x].elementType,
      differsOver: builder[x].differsOver)
    builder.emit(.selectRows, [x, rows], into: [selected])
    return selected
  }
}
