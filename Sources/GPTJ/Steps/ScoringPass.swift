package import Program

/// One forward pass over padded sequences that yields how likely given tokens come next.
///
/// The head runs over the asked rows alone, in chunks, its vocabulary split over the ranks: no rank
/// ever holds more than `chunkRows` rows of logits, and three numbers a row leave the tiles.
package struct ScoringPass {
  package var model: GPTJModel
  package var tensorParallel: Int
  /// Sequences of one pass, each `model.sequenceLength` tokens long.
  package var sequences: Int
  /// Rows of hidden states whose next token is asked for; a row may be asked for many tokens.
  package var scoredRows: Int
  package var elementType: ElementType

  package init(
    model: GPTJModel, tensorParallel: Int, sequences: Int, scoredRows: Int,
    elementType: ElementType
  ) {
    self.model = model
    self.tensorParallel = tensorParallel
    self.sequences = sequences
    self.scoredRows = scoredRows
    self.elementType = elementType
  }

  /// Names of the host tensors that a pass reads and writes; R rows of a chunk, one instance each.
  package enum HostTensor {
    /// int32 (T): sequences' ids, padded on the right, where causality hides it.
    package static let inputIDs = "host.input_ids"
    /// int32 (R): which of the T rows; 0 in rows that are not used.
    package static let rows = "host.scored_rows"
    /// int32 (R): the token asked for, as its id; -1 in rows that are not used.
    package static let labels = "host.labels"
    /// float32 (R): the largest logit of a row.
    package static let maximum = "host.max"
    /// float32 (R): the sum of exp(logit - maximum) over the vocabulary.
    package static let sum = "host.sum_exp"
    /// float32 (R): the label's logit, 0 in rows that are not used.
    package static let labelLogit = "host.label_logit"
  }

  /// As many rows of logits as keep a matmul busy, and few megabytes of a real vocabulary: 52 MB.
  package static let mostChunkRows = 256
  package var chunks: Int { (scoredRows + Self.mostChunkRows - 1) / Self.mostChunkRows }
  package var chunkRows: Int { (scoredRows + chunks - 1) / chunks }

  /// The plan of a pass: one replica, one micro-batch.
  package var plan: ParallelPlan {
    ParallelPlan(
      tensorParallel: tensorParallel, dataParallel: 1, microBatchSize: sequences,
      gradientAccumulation: 1)
  }

  /// Writes the Program.
  ///
  /// - Throws: `PlanError` where the plan cannot split the model.
  package func program() throws(PlanError) -> Program {
    precondition(scoredRows > 0, "a scoring pass needs a row to score")
    if let reason = plan.illegality(for: model) { throw reason }
    let step = StepWriter(name: "scoring_pass", model: model, plan: plan, type: elementType)
    step.declareStorage(training: false)
    let x = step.hiddenStates(of: HostTensor.inputIDs)
    step.builder.phase("head") { head(x, step) }
    return step.builder.build()
  }

  private func head(_ x: TensorReference, _ step: StepWriter) {
    let builder = step.builder
    func declare(_ name: String, _ type: ElementType) -> TensorID {
      builder.declare(
        name, [chunkRows], type, in: .host, differsOver: .data, instances: [chunks])
    }
    let rows = declare(HostTensor.rows, .int32)
    let labels = declare(HostTensor.labels, .int32)
    let results = [HostTensor.maximum, HostTensor.sum, HostTensor.labelLogit].map {
      declare($0, .float32)
    }
    let head = VocabParallelHead(step.parameters.head.map { step.load($0) })
    builder.loop("chunk", count: chunks) { chunk in
      let numbers = step.hostLoad(TensorReference(rows, [chunk]))
      let selected = builder.temporary(
        "x.scored", [chunkRows, model.hiddenSize], elementType, differsOver: .data)
      builder.emit(.selectRows, [x, numbers], into: [selected])
      let row = VocabParallelCrossEntropy().statistics(
        logits: head.forward(selected, step),
        labels: step.hostLoad(TensorReference(labels, [chunk])), step)
      for (value, result) in zip([row.maximum, row.sum, row.labelLogit], results) {
        builder.emit(.hostStore, [value], into: [TensorReference(result, [chunk])])
      }
    }
  }
}

extension StepWriter {
  /// The last layer's output (T, D) for the ids (T) of a host tensor, nothing kept for a backward
  /// pass; written before the phase of the head.
  func hiddenStates(of inputIDs: String) -> TensorReference {
    let x = builder.temporary("x", [tokens, model.hiddenSize], type, differsOver: [])
    builder.phase("embedding_forward") {
      let embedding = VocabParallelEmbedding(table: load(parameters.embedding))
      let ids = builder.declare(inputIDs, [tokens], .int32, in: .host, differsOver: [])
      builder.emit(.copy, [embedding.forward(hostLoad(TensorReference(ids)), self)], into: [x])
    }
    builder.loop("layer", count: model.layers) { layer in
      builder.phase("decoder_forward") {
        _ = TransformerBlock(loadBlock(layer)).forward(x, into: x, self)
      }
    }
    return x
  }
}
