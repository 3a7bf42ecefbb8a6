package import Program

/// One forward pass over padded prompts that yields each sequence's most likely next token.
///
/// As the reference does it: no key-value cache, every layer loaded from streaming memory for
/// every token, the head over all positions (Graphcore examples, nlp/gpt_j/popxl).
package struct InferencePass {
  package var model: GPTJModel
  package var tensorParallel: Int
  package var microBatchSize: Int
  package var elementType: ElementType

  package init(
    model: GPTJModel, tensorParallel: Int, microBatchSize: Int, elementType: ElementType
  ) {
    self.model = model
    self.tensorParallel = tensorParallel
    self.microBatchSize = microBatchSize
    self.elementType = elementType
  }

  /// Names of the host tensors that a pass reads and writes.
  package enum HostTensor {
    /// int32 (T): micro-batch x sequence ids, padded on the right.
    package static let inputIDs = "host.input_ids"
    /// int32 (B): the row of T whose next token is asked for, for each sequence.
    package static let lastRows = "host.last_rows"
    /// int32 (B).
    package static let nextIDs = "host.next_ids"
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
    let step = StepWriter(name: "inference_pass", model: model, plan: plan, type: elementType)
    step.declareStorage(training: false)
    write(step)
    return step.builder.build()
  }

  private func write(_ step: StepWriter) {
    let builder = step.builder
    let x = builder.temporary("x", [step.tokens, model.hiddenSize], elementType, differsOver: [])
    builder.phase("embedding_forward") {
      let embedding = VocabParallelEmbedding(table: step.load(step.parameters.embedding))
      let ids = builder.declare(
        HostTensor.inputIDs, [step.tokens], .int32, in: .host, differsOver: [])
      let partial = embedding.forward(step.hostLoad(TensorReference(ids)), step)
      builder.emit(.copy, [partial], into: [x])
    }
    builder.loop("layer", count: model.layers) { layer in
      builder.phase("decoder_forward") {
        let block = TransformerBlock(step.loadBlock(layer))
        _ = block.forward(x, inPlace: true, step)
      }
    }
    builder.phase("head") {
      let head = VocabParallelHead(step.parameters.head.map { step.load($0) })
      nextTokens(head.forward(x, step).logits, step)
    }
  }

  /// Picks each sequence's last row, gathers its logits' shards and takes the largest.
  private func nextTokens(_ logits: TensorReference, _ step: StepWriter) {
    let builder = step.builder
    let batch = microBatchSize
    let columns = builder[logits].columns
    let rowNumbers = builder.declare(
      HostTensor.lastRows, [batch], .int32, in: .host, differsOver: [])
    let nextIDs = builder.declare(HostTensor.nextIDs, [batch], .int32, in: .host, differsOver: [])
    let selected = builder.temporary(
      "last_logits", [batch, columns], elementType, differsOver: .all)
    builder.emit(
      .selectRows, [logits, step.hostLoad(TensorReference(rowNumbers))], into: [selected])
    let gathered = builder.temporary(
      "gathered_logits", [tensorParallel, batch, columns], elementType, differsOver: [])
    if step.isParallel(.tensor) {
      builder.emit(.collective(.allGather, over: .tensor), [selected], into: [gathered])
    } else {
      builder.emit(.copy, [selected], into: [gathered])
    }
    let ids = builder.temporary("next_ids", [batch], .int32, differsOver: [])
    builder.emit(.argmax(vocabulary: model.vocabularySize), [gathered], into: [ids])
    builder.emit(.hostStore, [ids], into: [TensorReference(nextIDs)])
  }
}
