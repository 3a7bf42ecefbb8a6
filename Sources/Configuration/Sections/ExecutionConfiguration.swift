/// How the step is laid out on the IPUs; key `execution`.
package struct ExecutionConfiguration: Sendable, Equatable {
  /// Which activations the backward pass computes again.
  package enum Recompute: String, Sendable, CaseIterable {
    /// Each layer from its input, as the reference does.
    case full
    /// Each layer as far as the backward pass reads it.
    case live
    /// Norms and gelu; results of products and of attention are kept.
    case selective
    /// Nothing: all activations are kept.
    case none
  }

  /// Whether a micro-batch's transfers wait for its arithmetic, by the reference's names.
  package enum IOMode: String, Sendable, CaseIterable {
    case io
    case overlapped = "io_overlapped"
  }

  /// What of a parameter replicas share out among them.
  package enum StateSharding: String, Sendable, CaseIterable {
    /// Weights too, as the reference does.
    case all
    /// Gradients and moments.
    case optimizer
    case none
  }

  /// What products of float16 operands are summed in.
  package enum MatmulPartials: String, Sendable, CaseIterable {
    case half, single
  }

  /// What matrices travel as between ranks.
  package enum CollectiveType: String, Sendable, CaseIterable {
    /// Their own.
    case own
    case bfloat16, float16
  }

  /// What gradients and moments are in streaming memory; sums and updates are float32 in any case.
  package enum StateType: String, Sendable, CaseIterable {
    /// Gradients as they add up, moments in float32.
    case own
    case bfloat16
  }

  package var microBatchSize = 1
  package var dataParallel = 1
  package var tensorParallel = 1
  /// Ours: stages of consecutive layers that stay on the tiles, micro-batches going through.
  package var pipelineParallel = 1
  /// Ours: parts of its layers that a stage takes in turn.
  package var pipelineInterleave = 1
  package var deviceIterations = 1
  /// Tiles per IPU that only move data.
  package var ioTiles = 1
  /// The share of a tile's memory that a matmul may use for temporaries.
  package var availableMemoryProportion = [0.28, 0.28, 0.28, 0.28]
  /// Factor on the loss, which keeps small gradients above float16's smallest number; the first where
  /// it is automatic.
  package var lossScaling = 1
  /// Ours, after popart's: whether a gradient that is not finite halves the factor.
  package var automaticLossScaling = false
  /// Ours: finite steps in a row after which it doubles.
  package var lossScalingPeriod = 2000
  /// Whether each phase loads its code from streaming memory.
  package var codeLoad = false
  /// Blocks of queries that attention works through one after another.
  package var attentionSerialisation = 1
  /// Ours: chunks of a micro-batch's tokens that the head and its loss work through one after
  /// another, forward and backward.
  package var headSerialisation = 1
  /// Ours; the reference always recomputes.
  package var recompute = Recompute.full
  /// Ours: whether a recomputed layer replays its two closing all-reduces, whose results nobody uses.
  package var recomputeClosingCollectives = false
  /// Ours, like all below: whether attention and feed-forward share one all-reduce each way.
  package var fuseAllReduces = false
  package var ioMode = IOMode.io
  /// Whether norms, dropouts and residuals are on each rank's own rows.
  package var sequenceSharding = false
  package var stateSharding = StateSharding.all
  package var matmulPartials = MatmulPartials.half
  package var collectiveType = CollectiveType.own
  package var stateType = StateType.own

  /// The reference's defaults (Graphcore examples, nlp/gpt_j/popxl/config/config.py).
  package init() {}

  init(_ section: MappingReader) throws(ConfigurationError) {
    var section = section
    microBatchSize = try section.int("micro_batch_size", default: microBatchSize, in: 1...1_048_576)
    dataParallel = try section.int("data_parallel", default: dataParallel, in: 1...65_536)
    tensorParallel = try section.int("tensor_parallel", default: tensorParallel, in: 1...65_536)
    pipelineParallel = try section.int(
      "pipeline_parallel", default: pipelineParallel, in: 1...65_536)
    pipelineInterleave = try section.int(
      "pipeline_interleave", default: pipelineInterleave, in: 1...65_536)
    deviceIterations = try section.int(
      "device_iterations", default: deviceIterations, in: 1...1_000_000)
    ioTiles = try section.int("io_tiles", default: ioTiles, in: 0...1_048_576)
    availableMemoryProportion = try section.doubles(
      "available_memory_proportion", default: availableMemoryProportion, in: 0...1)
    // 2^24: above it a float32 no longer holds every integer.
    lossScaling = try section.int("loss_scaling", default: lossScaling, in: 1...16_777_216)
    automaticLossScaling = try section.bool(
      "automatic_loss_scaling", default: automaticLossScaling)
    lossScalingPeriod = try section.int(
      "loss_scaling_period", default: lossScalingPeriod, in: 1...1_000_000_000)
    codeLoad = try section.bool("code_load", default: codeLoad)
    attentionSerialisation = try section.int(
      "attention_serialisation", default: attentionSerialisation, in: 1...1_048_576)
    headSerialisation = try section.int(
      "head_serialisation", default: headSerialisation, in: 1...1_048_576)
    recompute = try section.choice("recompute", default: recompute)
    recomputeClosingCollectives = try section.bool(
      "recompute_closing_collectives", default: recomputeClosingCollectives)
    fuseAllReduces = try section.bool("fuse_all_reduces", default: fuseAllReduces)
    ioMode = try section.choice("io_mode", default: ioMode)
    sequenceSharding = try section.bool("sequence_sharding", default: sequenceSharding)
    stateSharding = try section.choice("state_sharding", default: stateSharding)
    matmulPartials = try section.choice("matmul_partials", default: matmulPartials)
    collectiveType = try section.choice("collective_type", default: collectiveType)
    stateType = try section.choice("state_type", default: stateType)
    try section.finish()
  }

  var yaml: YAMLNode {
    YAMLNode([
      ("micro_batch_size", YAMLNode(microBatchSize)),
      ("data_parallel", YAMLNode(dataParallel)),
      ("tensor_parallel", YAMLNode(tensorParallel)),
      ("pipeline_parallel", YAMLNode(pipelineParallel)),
      ("pipeline_interleave", YAMLNode(pipelineInterleave)),
      ("device_iterations", YAMLNode(deviceIterations)),
      ("io_tiles", YAMLNode(ioTiles)),
      ("available_memory_proportion", YAMLNode(availableMemoryProportion)),
      ("loss_scaling", YAMLNode(lossScaling)),
      ("automatic_loss_scaling", YAMLNode(automaticLossScaling)),
      ("loss_scaling_period", YAMLNode(lossScalingPeriod)),
      ("code_load", YAMLNode(codeLoad)),
      ("attention_serialisation", YAMLNode(attentionSerialisation)),
      ("head_serialisation", YAMLNode(headSerialisation)),
      ("recompute", YAMLNode(recompute.rawValue)),
      ("recompute_closing_collectives", YAMLNode(recomputeClosingCollectives)),
      ("fuse_all_reduces", YAMLNode(fuseAllReduces)),
      ("io_mode", YAMLNode(ioMode.rawValue)),
      ("sequence_sharding", YAMLNode(sequenceSharding)),
      ("state_sharding", YAMLNode(stateSharding.rawValue)),
      ("matmul_partials", YAMLNode(matmulPartials.rawValue)),
      ("collective_type", YAMLNode(collectiveType.rawValue)),
      ("state_type", YAMLNode(stateType.rawValue)),
    ])
  }
}
