package import Configuration
import Program

/// One change of a training step that leaves its result as it is, but for rounding.
///
/// Each is settings of the configuration, so that a file can hold it, `run` and `finetune` can train
/// with it, and the cost model can price it: all of them read the same Program.
package enum WhatIf: String, Sendable, CaseIterable {
  case fusedAllReduce = "fused-all-reduce"
  case droppedCollectives = "no-closing-collectives"
  case overlappedIO = "overlapped-io"
  case largerMicroBatch = "larger-micro-batch"
  case liveRecompute = "live-recompute"
  case selectiveRecompute = "selective-recompute"
  case noRecompute = "no-recompute"
  case shardedSequence = "sequence-sharding"
  case shardedOptimizer = "optimizer-sharding"
  case replicatedState = "replicated-state"
  case singlePartials = "single-partials"
  case bfloat16Collectives = "bfloat16-collectives"
  case float16Collectives = "float16-collectives"

  package var name: String { rawValue }

  /// One line for lists of what-ifs.
  package var summary: String {
    switch self {
    case .fusedAllReduce:
      "attention and feed-forward share one all-reduce each way: the residual is parallel"
    case .droppedCollectives:
      "a recomputed layer leaves out its closing all-reduces, whose results nothing reads"
    case .overlappedIO:
      "transfers run beside the arithmetic of other micro-batches, all but two of them"
    case .largerMicroBatch: "micro-batches of twice as many sequences, half as many of them"
    case .liveRecompute:
      "a layer is recomputed only as far as its backward pass reads it"
    case .selectiveRecompute:
      "results of products and attention are kept; norm and gelu are recomputed"
    case .noRecompute: "all activations but the norm's are kept"
    case .shardedSequence:
      "norms and residuals on each rank's own rows, reduce-scatter and all-gather around them"
    case .shardedOptimizer:
      "replicas keep whole weights and share out gradients and moments (ZeRO)"
    case .replicatedState: "replicas share out nothing: each makes the whole update"
    case .singlePartials: "products of float16 operands accumulate in float32"
    case .bfloat16Collectives: "matrices travel between ranks as bfloat16"
    case .float16Collectives: "matrices travel between ranks as float16"
    }
  }

  /// The key in a configuration's `execution`; two of one key exclude each other.
  package var setting: String {
    switch self {
    case .fusedAllReduce: "fuse_all_reduces"
    case .droppedCollectives: "recompute_closing_collectives"
    case .overlappedIO: "io_mode"
    case .largerMicroBatch: "micro_batch_size"
    case .liveRecompute, .selectiveRecompute, .noRecompute: "recompute"
    case .shardedSequence: "sequence_sharding"
    case .shardedOptimizer, .replicatedState: "state_sharding"
    case .singlePartials: "matmul_partials"
    case .bfloat16Collectives, .float16Collectives: "collective_type"
    }
  }

  /// Sets it.
  package func apply(to execution: inout ExecutionConfiguration) {
    switch self {
    case .fusedAllReduce: execution.fuseAllReduces = true
    case .droppedCollectives: execution.recomputeClosingCollectives = false
    case .overlappedIO: execution.ioMode = .overlapped
    case .largerMicroBatch: execution.microBatchSize *= 2
    case .liveRecompute: execution.recompute = .live
    case .selectiveRecompute: execution.recompute = .selective
    case .noRecompute: execution.recompute = .none
    case .shardedSequence: execution.sequenceSharding = true
    case .shardedOptimizer: execution.stateSharding = .optimizer
    case .replicatedState: execution.stateSharding = .none
    case .singlePartials: execution.matmulPartials = .single
    case .bfloat16Collectives: execution.collectiveType = .bfloat16
    case .float16Collectives: execution.collectiveType = .float16
    }
  }
}

extension ParallelPlan {
  /// What of it is a what-if, recomputation and micro-batches aside.
  package var whatIfs: [WhatIf] {
    let isOn: [(WhatIf, Bool)] = [
      (.fusedAllReduce, rewrites.fusesAllReduces), (.overlappedIO, rewrites.overlapsIO),
      (.shardedSequence, rewrites.shardsSequence),
      (.shardedOptimizer, rewrites.stateSharding == .optimizer),
      (.replicatedState, rewrites.stateSharding == .none),
      (.singlePartials, rewrites.hasSinglePartials),
      (.bfloat16Collectives, rewrites.collectiveType == .bfloat16),
      (.float16Collectives, rewrites.collectiveType == .float16),
    ]
    return isOn.filter(\.1).map(\.0)
  }
}
