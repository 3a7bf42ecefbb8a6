extension ExecutionPlan {
  /// Why this plan cannot run that model, or nil where it can.
  ///
  /// A rank holds whole heads and an equal part of the feed-forward layer; vocabularies need not
  /// divide, their shards are padded.
  package func illegality(for model: TransformerModel) -> TransformerError? {
    for (name, value) in [
      ("tensor_parallel", tensorParallel), ("data_parallel", dataParallel),
      ("micro_batch_size", microBatchSize), ("global_batch_size", globalBatchSize),
      ("sequence_length", sequenceLength), ("attention_serialisation", attentionSerialisation),
      ("attention_tensor_parallel", attentionTensorParallel),
    ] where value < 1 {
      return .notPositive(name: name, value: value)
    }
    return batchIllegality() ?? splitIllegality(of: model) ?? lengthIllegality(of: model)
      ?? pipelineIllegality(of: model) ?? sizeIllegality(of: model)
  }

  private func batchIllegality() -> TransformerError? {
    guard task == .training else {
      return dataParallel == 1 ? nil : .dataParallelGeneration(dataParallel)
    }
    let (unit, overflows) = dataParallel.multipliedReportingOverflow(by: microBatchSize)
    guard !overflows, globalBatchSize % unit == 0 else {
      return .batchDoesNotDivide(
        globalBatchSize: globalBatchSize, dataParallel: dataParallel,
        microBatchSize: microBatchSize)
    }
    return nil
  }

  private func splitIllegality(of model: TransformerModel) -> TransformerError? {
    for (what, size, ranks) in [
      ("the \(model.heads) attention heads", model.heads, attentionTensorParallel),
      (
        "the \(model.keyValueHeads) key and value heads", model.keyValueHeads,
        attentionTensorParallel
      ),
      ("the feed-forward width \(model.feedForwardSize)", model.feedForwardSize, tensorParallel),
      ("the tensor_parallel \(tensorParallel)", tensorParallel, attentionTensorParallel),
    ] where size % ranks != 0 {
      return .doesNotDivide(
        what: what, size: size, ranks: ranks,
        name: ranks == tensorParallel ? "tensor_parallel" : "attention_tensor_parallel")
    }
    guard model.vocabularySize >= tensorParallel else {
      return .vocabularyTooSmall(size: model.vocabularySize, tensorParallel: tensorParallel)
    }
    guard attentionTensorParallel == tensorParallel || task == .generation else {
      return .partlySharedTraining(attentionTensorParallel)
    }
    return nil
  }

  private func lengthIllegality(of model: TransformerModel) -> TransformerError? {
    if model.positions == .learned, sequenceLength > model.positionRows {
      return .sequenceTooLong(length: sequenceLength, rows: model.positionRows)
    }
    if predictions > sequenceLength {
      return .tooManyPredictions(predictions, sequenceLength: sequenceLength)
    }
    return nil
  }

  /// Counts are 64-bit integers: what a rank could do in a step has to fit, recomputation included.
  private func sizeIllegality(of model: TransformerModel) -> TransformerError? {
    let batch = task == .training ? globalBatchSize : microBatchSize
    let flops = model.modelFlops(
      tokens: batch.multipliedReportingOverflow(by: sequenceLength).partialValue,
      sequenceLength: sequenceLength)
    let ofRank = flops / Double(attentionTensorParallel) / Double(dataParallel)
    return ofRank * 16 < Double(Int.max) ? nil : .tooLarge(what: "the work of one rank")
  }

  private func pipelineIllegality(of model: TransformerModel) -> TransformerError? {
    guard execution == .pipeline else { return nil }
    guard tensorParallel == 1, task == .training, model.architecture != .encoderDecoder,
      model.residual == .sequential
    else { return .notAPipeline(model: model.name) }
    let (attentions, feedForwards) = stages.reduce((0, 0)) {
      ($0.0 + $1.attentions, $0.1 + $1.feedForwards)
    }
    guard attentions == model.layers, feedForwards == model.layers else {
      return .stagesDoNotAddUp(
        attentions: attentions, feedForwards: feedForwards, layers: model.layers)
    }
    return nil
  }
}

/// Why a model, a plan, or a file of them is refused.
package enum TransformerError: Error, Equatable, CustomStringConvertible {
  case notPositive(name: String, value: Int)
  case doesNotDivide(what: String, size: Int, ranks: Int, name: String)
  case vocabularyTooSmall(size: Int, tensorParallel: Int)
  case partlySharedTraining(Int)
  case batchDoesNotDivide(globalBatchSize: Int, dataParallel: Int, microBatchSize: Int)
  case dataParallelGeneration(Int)
  case sequenceTooLong(length: Int, rows: Int)
  case tooManyPredictions(Int, sequenceLength: Int)
  case notAPipeline(model: String)
  case stagesDoNotAddUp(attentions: Int, feedForwards: Int, layers: Int)
  case tooManyIPUs(needed: Int, ipus: Int, topology: String)
  case tooLarge(what: String)
  case noGeneration(model: String)

  package var description: String {
    switch self {
    case .notPositive(let name, let value): "\(name) is \(value), expected at least 1"
    case .doesNotDivide(let what, let size, let ranks, let name):
      "\(name) \(ranks) does not divide \(what); legal are \(divisors(of: size))"
    case .vocabularyTooSmall(let size, let ranks):
      "a vocabulary of \(size) cannot be split over tensor_parallel \(ranks)"
    case .partlySharedTraining(let ranks):
      "attention_tensor_parallel \(ranks) is for generation, a training step has tensor_parallel "
        + "for its attention too"
    case .batchDoesNotDivide(let batch, let dataParallel, let microBatch):
      "global_batch_size \(batch) is no multiple of data_parallel \(dataParallel) x "
        + "micro_batch_size \(microBatch)"
    case .dataParallelGeneration(let ranks):
      "data_parallel is \(ranks), a generation pass has one replica: expected 1"
    case .sequenceTooLong(let length, let rows):
      "sequence_length is \(length), the model has \(rows) positions"
    case .tooManyPredictions(let count, let length):
      "predictions is \(count), a sequence has \(length) tokens"
    case .notAPipeline(let model):
      "\(model) cannot be a pipeline here, expected training at tensor_parallel 1 of one stack "
        + "with a sequential residual"
    case .stagesDoNotAddUp(let attentions, let feedForwards, let layers):
      "the stages have \(attentions) attentions and \(feedForwards) feed-forwards, expected "
        + "\(layers) of each"
    case .tooManyIPUs(let needed, let ipus, let topology):
      "the plan needs \(needed) IPUs, \(topology) has \(ipus)"
    case .tooLarge(let what): "\(what) exceeds what can be counted in 64 bits"
    case .noGeneration(let model): "\(model) is an encoder alone and generates nothing"
    }
  }

  private func divisors(of number: Int) -> String {
    (1...max(1, min(number, 4096))).filter { number % $0 == 0 }.map(String.init)
      .joined(separator: ", ")
  }
}
