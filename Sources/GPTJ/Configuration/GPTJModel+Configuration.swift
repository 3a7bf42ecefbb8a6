package import Configuration
import Program

extension GPTJModel {
  package init(_ configuration: ModelConfiguration) {
    self.init(
      layers: configuration.layers, hiddenSize: configuration.hiddenSize,
      heads: configuration.attention.heads,
      vocabularySize: configuration.embedding.vocabSize,
      sequenceLength: configuration.sequenceLength,
      rotarySize: configuration.attention.rotaryDim,
      rotaryBase: Double(configuration.attention.rotaryPositionalEmbeddingsBase))
  }
}

extension ParallelPlan {
  /// The plan that a fine-tuning configuration names, its gradient accumulation derived.
  ///
  /// - Throws: `PlanError` where it cannot split the configured model or batch.
  package init(_ configuration: FineTuningConfiguration) throws(PlanError) {
    let execution = configuration.execution
    self = try .spread(
      configuration.training.globalBatchSize, over: execution.dataParallel,
      tensorParallel: execution.tensorParallel, microBatchSize: execution.microBatchSize,
      pipelineParallel: execution.pipelineParallel,
      pipelineInterleave: execution.pipelineInterleave, model: GPTJModel(configuration.model))
    follow(execution)
    if let reason = illegality(for: GPTJModel(configuration.model)) { throw reason }
  }

  /// Takes over all settings that do not change how a batch and a model are spread.
  package mutating func follow(_ execution: ExecutionConfiguration) {
    recompute = Recompute(rawValue: execution.recompute.rawValue) ?? .full
    recomputeClosingCollectives = execution.recomputeClosingCollectives
    attentionSerialisation = execution.attentionSerialisation
    headSerialisation = execution.headSerialisation
    rewrites = Rewrites(execution)
  }
}

extension ParallelPlan.Rewrites {
  init(_ execution: ExecutionConfiguration) {
    fusesAllReduces = execution.fuseAllReduces
    overlapsIO = execution.ioMode == .overlapped
    shardsSequence = execution.sequenceSharding
    stateSharding =
      ParallelPlan.StateSharding(rawValue: execution.stateSharding.rawValue) ?? .all
    hasSinglePartials = execution.matmulPartials == .single
    collectiveType =
      switch execution.collectiveType {
      case .own: nil
      case .bfloat16: .bfloat16
      case .float16: .float16
      }
    storesStateAsBFloat16 = execution.stateType == .bfloat16
  }
}
