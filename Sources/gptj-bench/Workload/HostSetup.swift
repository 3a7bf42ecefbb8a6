import ArgumentParsing
import Emulator
import Kernels
import Synchronization
import Topology

/// This host laid out for a plan's ranks: where workers are pinned and memory is bound, and what
/// the kernel made of it.
final class HostSetup: Sendable {
  let host: HostTopology
  let placement: Placement
  private let binding: WorkerBinding
  let gemm: GEMMBackend
  let isFaithful: Bool
  private let streamingDirectory: String?
  private let hostMemory: Int?
  private let pinned: Mutex<[BindingReport]>
  private let bound: Mutex<[BindingReport]>

  /// - Throws: `TopologyError` for a placement that this host cannot give.
  init(
    ranks: Int, tensorParallel: Int, _ options: EmulatorOptions,
    _ streaming: StreamingOptions = StreamingOptions()
  ) throws(TopologyError) {
    streamingDirectory = streaming.directory
    hostMemory = streaming.hostMemory?.bytes
    host = try HostTopology.detect()
    let policy = try PlacementPolicy(parsing: options.placement)
    var workers = options.workers
    if workers == nil, case .compact = policy { workers = host.allowedCoreCount }
    if workers == nil, case .scatter = policy { workers = host.allowedCoreCount }
    placement = try Placement(
      ranks: ranks, tensorParallel: tensorParallel, on: host, policy: policy, workers: workers)
    binding = WorkerBinding(host: host)
    gemm = options.gemm
    isFaithful = options.faithful
    pinned = Mutex([])
    bound = Mutex([])
  }

  /// Options that pin each worker and bind each rank's memory to its worker's node.
  var emulatorOptions: Emulator.Options {
    Emulator.Options(
      workers: placement.workers.count, sharesReplicas: !isFaithful, gemm: gemm,
      prepareWorker: { [self] worker in
        let report = binding.pinCallingThread(to: placement.workers[worker].unit.index)
        pinned.withLock { $0.append(report) }
      },
      prepareMemory: { [self] rank, area in
        let report = binding.bind(area, toNode: placement.node(ofRank: rank))
        bound.withLock { $0.append(report) }
      })
  }

  /// The same for training, whose streaming memory may be in a file.
  var trainerOptions: Emulator.Options {
    var options = emulatorOptions
    options.hostMemory = hostMemory
    options.streamingDirectory = streamingDirectory
    return options
  }

  /// How products and replicas are computed, where that is not the default.
  var choices: [String] {
    (gemm == .oneDNN ? [] : ["products by \(gemm.rawValue)"])
      + (isFaithful ? ["every IPU for itself"] : [])
  }

  /// Whether every worker was read back on the unit that was asked for.
  var arePinned: Bool { pinned.withLock { !$0.isEmpty && $0.allSatisfy(\.isHonoured) } }
  /// Whether every rank's memory was read back on the node that was asked for.
  var areBound: Bool { bound.withLock { !$0.isEmpty && $0.allSatisfy(\.isHonoured) } }

  /// What the kernel refused, each reason once.
  var refusals: [String] {
    let reasons =
      pinned.withLock { $0.compactMap(\.refusal) } + bound.withLock { $0.compactMap(\.refusal) }
    return Array(Set(reasons)).sorted()
  }
}
