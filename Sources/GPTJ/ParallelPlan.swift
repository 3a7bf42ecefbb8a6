import Configuration
package import Program

/// How a global batch and a model are spread over ranks, and what is computed twice for it.
package struct ParallelPlan: Sendable, Hashable {
  package var tensorParallel: Int
  package var dataParallel: Int
  /// Stages of consecutive layers, each on IPUs of its own; 1 for none.
  package var pipelineParallel: Int
  /// How many parts of its layers a stage has, taken in turn: Megatron's virtual stages.
  ///
  /// Source: the interleaved schedule, Narayanan et al. 2021, section 2.2.
  package var pipelineInterleave: Int
  package var microBatchSize: Int
  /// Micro-batches that one replica accumulates before the optimizer runs.
  package var gradientAccumulation: Int
  package var recompute: Recompute
  /// Whether a recomputed layer repeats its two closing all-reduces, whose results nothing reads.
  package var recomputeClosingCollectives: Bool
  /// Blocks of queries that attention is computed in, to bound its memory on the tiles.
  package var attentionSerialisation: Int
  /// Chunks of a micro-batch's tokens that the head is trained in, to bound the memory of logits.
  package var headSerialisation: Int
  /// What differs from the reference's step beside recomputation.
  package var rewrites = Rewrites()

  /// What the backward pass computes again.
  package enum Recompute: String, Sendable, CaseIterable {
    /// The whole layer from its input, as the reference does.
    case full
    /// As far as the backward pass reads it: not the two closing products.
    case live
    /// What is cheap for its size: layer norm and gelu. Results of products and attention are kept.
    ///
    /// Source: Korthikanti et al. 2022; scores are computed again in any case.
    case selective
    /// Only the layer norm: the results of matmuls, attention and gelu are kept.
    case none
  }

  /// How a step may differ from the reference's without another result; what concerns a group of
  /// one rank has no effect.
  package struct Rewrites: Sendable, Hashable {
    /// Attention and feed-forward share one all-reduce each way: the residual is parallel, so their
    /// partial outputs can be added first.
    package var fusesAllReduces = false
    /// Whether a micro-batch's transfers run beside the arithmetic of another.
    package var overlapsIO = false
    /// Norms, dropouts and residuals on each rank's own rows, each all-reduce in its two halves.
    ///
    /// Source: sequence parallelism, Korthikanti et al. 2022.
    package var shardsSequence = false
    package var stateSharding = StateSharding.all
    /// Products of float16 operands accumulate in float32.
    package var hasSinglePartials = false
    /// What matrices travel as between ranks; nil for their own type.
    package var collectiveType: ElementType?
    /// Whether gradients and moments rest in bfloat16 in streaming memory.
    package var storesStateAsBFloat16 = false

    package init() {}
  }

  /// What of a parameter the replicas share out among them.
  package enum StateSharding: String, Sendable, CaseIterable {
    /// Weights, gradients and moments: weights are gathered where they are used (the reference).
    case all
    /// Gradients and moments: each replica updates its slice and gathers the others' once a step.
    ///
    /// Source: ZeRO stages 1 and 2, Rajbhandari et al. 2020.
    case optimizer
    /// Nothing: every replica makes the whole update.
    case none
  }

  package init(
    tensorParallel: Int, dataParallel: Int, microBatchSize: Int, gradientAccumulation: Int,
    recompute: Recompute = .full, recomputeClosingCollectives: Bool = false,
    attentionSerialisation: Int = 1, headSerialisation: Int = 1, pipelineParallel: Int = 1,
    pipelineInterleave: Int = 1
  ) {
    self.tensorParallel = tensorParallel
    self.dataParallel = dataParallel
    self.pipelineParallel = pipelineParallel
    self.pipelineInterleave = pipelineInterleave
    self.microBatchSize = microBatchSize
    self.gradientAccumulation = gradientAccumulation
    self.recompute = recompute
    self.recomputeClosingCollectives = recomputeClosingCollectives
    self.attentionSerialisation = attentionSerialisation
    self.headSerialisation = headSerialisation
  }

  /// Takes over from another plan all that does not spread a batch or a model.
  package mutating func follow(_ plan: ParallelPlan) {
    recompute = plan.recompute
    recomputeClosingCollectives = plan.recomputeClosingCollectives
    attentionSerialisation = plan.attentionSerialisation
    headSerialisation = plan.headSerialisation
    rewrites = plan.rewrites
  }

  package var mesh: Mesh {
    Mesh(
      tensorParallel: tensorParallel, dataParallel: dataParallel,
      pipelineParallel: pipelineParallel)
  }
  package var ranks: Int { tensorParallel * dataParallel * pipelineParallel }
  /// For people; stages only where there are several.
  package var split: String {
    "TP \(tensorParallel) x DP \(dataParallel)"
      + (pipelineParallel > 1 ? " x PP \(pipelineParallel)" : "")
  }
  package var globalBatchSize: Int { microBatchSize * gradientAccumulation * dataParallel }
}

extension ParallelPlan {
  /// Why this plan cannot split that model, or nil where it can.
  ///
  /// A rank holds whole heads, so TP divides the heads, and an equal part of the feed-forward
  /// layer. Vocabularies need not divide: their shards are padded. DP only needs its batch.
  package func illegality(for model: GPTJModel) -> PlanError? {
    for (name, value) in [
      ("tensor_parallel", tensorParallel), ("data_parallel", dataParallel),
      ("pipeline_parallel", pipelineParallel), ("pipeline_interleave", pipelineInterleave),
      ("micro_batch_size", microBatchSize), ("gradient_accumulation", gradientAccumulation),
      ("attention_serialisation", attentionSerialisation),
      ("head_serialisation", headSerialisation),
    ] where value < 1 {
      return .notPositive(name: name, value: value)
    }
    if let reason = Self.illegality(ofTensorParallel: tensorParallel, for: model) { return reason }
    let (tokens, overflows) = microBatchSize.multipliedReportingOverflow(by: model.sequenceLength)
    if rewrites.shardsSequence, overflows || tokens % tensorParallel != 0 {
      return .rowsDoNotDivide(tokens: tokens, tensorParallel: tensorParallel)
    }
    return headIllegality(for: model) ?? pipelineIllegality(for: model)
  }

  /// Why the head cannot work through a micro-batch in this positive number of equal chunks, or nil
  /// where it can.
  package func headIllegality(for model: GPTJModel) -> PlanError? {
    let (tokens, overflows) = microBatchSize.multipliedReportingOverflow(by: model.sequenceLength)
    return headSerialisation == 1 || !overflows && tokens % headSerialisation == 0
      ? nil : .headDoesNotDivide(tokens: tokens, headSerialisation: headSerialisation)
  }

  /// Why these stages cannot share out that model's layers and these micro-batches, or nil where
  /// they can.
  ///
  /// Fewer micro-batches than stages are legal: some stages then always wait.
  private func pipelineIllegality(for model: GPTJModel) -> PlanError? {
    guard pipelineParallel > 1 else {
      return pipelineInterleave > 1 ? .nothingToInterleave(pipelineInterleave) : nil
    }
    if let reason = Self.illegality(ofPipelineParallel: pipelineParallel, for: model) {
      return reason
    }
    guard pipelineInterleave == 1 else { return .interleaveIsNotWritten(pipelineInterleave) }
    return rewrites.overlapsIO ? .overlapsInPipeline(pipelineParallel) : nil
  }

  /// Why no plan of this tensor parallelism, at least 1, can split that model; nil where one can.
  package static func illegality(
    ofTensorParallel tensorParallel: Int, for model: GPTJModel
  ) -> PlanError? {
    guard model.heads % tensorParallel == 0 else {
      return .headsDoNotDivide(heads: model.heads, tensorParallel: tensorParallel)
    }
    guard model.feedForwardSize % tensorParallel == 0 else {
      return .feedForwardDoesNotDivide(
        size: model.feedForwardSize, tensorParallel: tensorParallel)
    }
    guard model.vocabularySize >= tensorParallel else {
      return .vocabularyTooSmall(size: model.vocabularySize, tensorParallel: tensorParallel)
    }
    return nil
  }

  /// Why no plan of so many stages, at least 1, can split that model; nil where one can.
  package static func illegality(
    ofPipelineParallel pipelineParallel: Int, for model: GPTJModel
  ) -> PlanError? {
    model.layers % pipelineParallel == 0
      ? nil : .layersDoNotDivide(layers: model.layers, pipelineParallel: pipelineParallel)
  }

  /// The plan of a global batch on so many IPUs: the widest tensor parallelism that is legal for
  /// the model within `linkedIPUs`, data parallelism over the rest.
  package static func forPod(
    ipus: Int, linkedIPUs: Int, model: GPTJModel, globalBatchSize: Int, microBatchSize: Int
  ) throws(PlanError) -> ParallelPlan {
    let tensorParallel = widestTensorParallel(ipus: ipus, linkedIPUs: linkedIPUs, model: model)
    return try spread(
      globalBatchSize, over: ipus / tensorParallel, tensorParallel: tensorParallel,
      microBatchSize: microBatchSize, model: model)
  }

  /// The widest tensor parallelism that divides these IPUs and the model, at most 16 as published.
  package static func widestTensorParallel(
    ipus: Int, linkedIPUs: Int, model: GPTJModel
  ) -> Int {
    (1...max(1, min(ipus, linkedIPUs, 16))).last {
      ipus % $0 == 0 && illegality(ofTensorParallel: $0, for: model) == nil
    } ?? 1
  }

  /// The plan with this TP and DP, its gradient accumulation derived from the global batch.
  package static func spread(
    _ globalBatchSize: Int, over dataParallel: Int, tensorParallel: Int, microBatchSize: Int,
    pipelineParallel: Int = 1, pipelineInterleave: Int = 1, model: GPTJModel
  ) throws(PlanError) -> ParallelPlan {
    let unit = dataParallel * microBatchSize
    guard globalBatchSize > 0, unit > 0, globalBatchSize % unit == 0 else {
      throw .batchDoesNotDivide(
        globalBatchSize: globalBatchSize, dataParallel: dataParallel,
        microBatchSize: microBatchSize)
    }
    let plan = ParallelPlan(
      tensorParallel: tensorParallel, dataParallel: dataParallel, microBatchSize: microBatchSize,
      gradientAccumulation: globalBatchSize / unit, pipelineParallel: pipelineParallel,
      pipelineInterleave: pipelineInterleave)
    if let reason = plan.illegality(for: model) { throw reason }
    return plan
  }
}

/// Why a sharding plan is illegal.
package enum PlanError: Error, Equatable, CustomStringConvertible {
  case notPositive(name: String, value: Int)
  case headsDoNotDivide(heads: Int, tensorParallel: Int)
  case feedForwardDoesNotDivide(size: Int, tensorParallel: Int)
  case vocabularyTooSmall(size: Int, tensorParallel: Int)
  case batchDoesNotDivide(globalBatchSize: Int, dataParallel: Int, microBatchSize: Int)
  case rowsDoNotDivide(tokens: Int, tensorParallel: Int)
  case headDoesNotDivide(tokens: Int, headSerialisation: Int)
  case layersDoNotDivide(layers: Int, pipelineParallel: Int)
  case nothingToInterleave(Int)
  case interleaveIsNotWritten(Int)
  case overlapsInPipeline(Int)
  case tooManyRanks(ranks: Int, ipus: Int, topology: String)

  package var description: String {
    switch self {
    case .notPositive(let name, let value):
      "\(name) is \(value), expected at least 1"
    case .headsDoNotDivide(let heads, let tensorParallel):
      "tensor_parallel \(tensorParallel) does not divide the \(heads) attention heads; "
        + "legal are \(divisors(of: heads))"
    case .feedForwardDoesNotDivide(let size, let tensorParallel):
      "tensor_parallel \(tensorParallel) does not divide the feed-forward width \(size)"
    case .vocabularyTooSmall(let size, let tensorParallel):
      "a vocabulary of \(size) cannot be split over tensor_parallel \(tensorParallel)"
    case .batchDoesNotDivide(let batch, let dataParallel, let microBatch):
      "global_batch_size \(batch) is no multiple of data_parallel \(dataParallel) x "
        + "micro_batch_size \(microBatch); \(neighbours(of: batch, unit: dataParallel * microBatch))"
    case .rowsDoNotDivide(let tokens, let tensorParallel):
      "sequence_sharding splits the \(tokens) tokens of a micro-batch over tensor_parallel "
        + "\(tensorParallel), which does not divide them"
    case .headDoesNotDivide(let tokens, let chunks):
      "head_serialisation \(chunks) does not divide the \(tokens) tokens of a micro-batch, "
        + "micro_batch_size x sequence_length; expected \(tokens.divisors(around: chunks))"
    case .layersDoNotDivide(let layers, let pipelineParallel):
      "pipeline_parallel \(pipelineParallel) does not divide the \(layers) layers; "
        + "legal are \(divisors(of: layers))"
    case .nothingToInterleave(let interleave):
      "pipeline_interleave \(interleave) needs stages; expected 1 with pipeline_parallel 1"
    case .interleaveIsNotWritten(let interleave):
      "pipeline_interleave \(interleave) is not supported; expected 1"
    case .overlapsInPipeline(let pipelineParallel):
      "io_mode io_overlapped has nothing to hide with pipeline_parallel \(pipelineParallel), whose "
        + "stages keep their weights on the tiles; expected io"
    case .tooManyRanks(let ranks, let ipus, let topology):
      "tensor_parallel x data_parallel x pipeline_parallel needs \(ranks) IPUs, \(topology) has "
        + "\(ipus)"
    }
  }

  private func divisors(of number: Int) -> String {
    (1...max(1, min(number, 4096))).filter { number % $0 == 0 }.map(String.init)
      .joined(separator: ", ")
  }

  private func neighbours(of batch: Int, unit: Int) -> String {
    guard unit > 0 else { return "both must be at least 1" }
    let below = max(batch, 0) / unit * unit
    return below > 0 ? "nearest are \(below) and \(below + unit)" : "the smallest is \(unit)"
  }
}
