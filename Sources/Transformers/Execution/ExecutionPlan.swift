package import Program

/// How a model is spread over IPUs, and what one step or pass of it is.
package struct ExecutionPlan: Sendable, Equatable {
  package var execution: Execution
  package var task: Task
  /// Tokens of a sequence; an encoder-decoder has as many on both sides.
  package var sequenceLength: Int
  package var microBatchSize: Int
  package var globalBatchSize: Int
  package var tensorParallel: Int
  /// Ranks that share out the heads, where they are fewer than `tensorParallel`.
  package var attentionTensorParallel: Int
  package var dataParallel: Int
  package var ioTiles: Int
  /// Of a tile's memory, for what a product needs beside its operands.
  package var availableMemoryProportion: Double
  /// Blocks of queries that attention is computed in, to bound its memory on the tiles.
  package var attentionSerialisation: Int
  /// Tokens of a sequence whose logits are asked for; 0 for all.
  package var predictions: Int
  package var hasDropout: Bool
  /// Dropout of the attention's probabilities too.
  package var hasAttentionDropout: Bool
  /// Whether a recomputed layer repeats its closing all-reduce, whose result nothing reads.
  package var recomputeClosingCollectives: Bool
  package var elementType: ElementType
  /// Of a pipeline; empty for phased execution.
  package var stages: [PipelineStage]
  /// What a pipeline's optimizer keeps for each weight, and whether that waits in streaming memory.
  package var optimizer: Optimizer
  package var isOptimizerStateStreamed: Bool

  package enum Execution: String, Sendable, CaseIterable {
    /// A layer at a time from streaming memory, each loaded once for all micro-batches.
    case phased
    /// Layers side by side on the tiles, micro-batches passing through them.
    case pipeline
  }

  package enum Task: String, Sendable, CaseIterable {
    /// One optimizer step.
    case training
    /// One pass over whole sequences for each next token, nothing cached.
    case generation
  }

  package enum Optimizer: String, Sendable, CaseIterable {
    case adamw, lamb
  }

  package init(
    execution: Execution = .phased, task: Task = .training, sequenceLength: Int,
    microBatchSize: Int = 1, globalBatchSize: Int, tensorParallel: Int = 1,
    attentionTensorParallel: Int? = nil, dataParallel: Int = 1, ioTiles: Int = 128,
    availableMemoryProportion: Double = 0.2, attentionSerialisation: Int = 1,
    predictions: Int = 0, hasDropout: Bool = false,
    hasAttentionDropout: Bool = false, recomputeClosingCollectives: Bool = false,
    elementType: ElementType = .float16, stages: [PipelineStage] = [],
    optimizer: Optimizer = .adamw, isOptimizerStateStreamed: Bool = true
  ) {
    self.execution = execution
    self.task = task
    self.sequenceLength = sequenceLength
    self.microBatchSize = microBatchSize
    self.globalBatchSize = globalBatchSize
    self.tensorParallel = tensorParallel
    self.attentionTensorParallel = attentionTensorParallel ?? tensorParallel
    self.dataParallel = dataParallel
    self.ioTiles = ioTiles
    self.availableMemoryProportion = availableMemoryProportion
    self.attentionSerialisation = attentionSerialisation
    self.predictions = predictions
    self.hasDropout = hasDropout
    self.hasAttentionDropout = hasAttentionDropout
    self.recomputeClosingCollectives = recomputeClosingCollectives
    self.elementType = elementType
    self.stages = stages
    self.optimizer = optimizer
    self.isOptimizerStateStreamed = isOptimizerStateStreamed
  }

  /// IPUs of one replica: the ranks of a tensor-parallel group, or the stages of a pipeline.
  package var ipusPerReplica: Int {
    execution == .pipeline ? (stages.map(\.ipu).max() ?? 0) + 1 : tensorParallel
  }
  package var ipus: Int { ipusPerReplica * dataParallel }
  /// Micro-batches that one replica accumulates before the optimizer runs.
  package var gradientAccumulation: Int {
    max(1, globalBatchSize / max(1, microBatchSize * dataParallel))
  }
  /// Tokens of one micro-batch, in each stack.
  package var tokens: Int { microBatchSize * sequenceLength }
  package var tokensPerStep: Int { globalBatchSize * sequenceLength }

  package var mesh: Mesh { Mesh(tensorParallel: tensorParallel, dataParallel: dataParallel) }
}

/// What one stage of a pipeline computes, and where; an IPU may have several stages.
package struct PipelineStage: Sendable, Equatable {
  package var ipu: Int
  /// Halves of layers, since a stage may end between attention and feed-forward.
  package var attentions: Int
  package var feedForwards: Int
  package var hasEmbedding: Bool
  package var hasHead: Bool

  package init(
    ipu: Int, attentions: Int = 0, feedForwards: Int = 0, hasEmbedding: Bool = false,
    hasHead: Bool = false
  ) {
    self.ipu = ipu
    self.attentions = attentions
    self.feedForwards = feedForwards
    self.hasEmbedding = hasEmbedding
    self.hasHead = hasHead
  }
}
