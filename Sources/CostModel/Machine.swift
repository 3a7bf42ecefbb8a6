import Program
import Topology

/// A topology as one rank sees it: the figures that operations are timed with.
struct Machine: Sendable {
  let topology: PodTopology
  /// Tiles that compute: those that the configuration gives to I/O are taken out.
  let computeTiles: Int

  init(_ topology: PodTopology, ioTiles: Int) {
    self.topology = topology
    computeTiles = min(max(1, topology.ipu.tiles - ioTiles), topology.ipu.tiles)
  }

  private var tileCyclesPerSecond: Double { Double(computeTiles) * topology.ipu.clockHertz }

  /// Arithmetic of all compute tiles, a second.
  func peakFlopsPerSecond(_ type: ElementType) -> Double {
    tileCyclesPerSecond
      * topology.ipu.matmulFlopsPerCyclePerTile(for: type == .float16 ? .float16 : .float32)
  }

  var sramBytesPerSecond: Double { tileCyclesPerSecond * topology.ipu.sramBytesPerCyclePerTile }

  var exchangeBytesPerSecond: Double {
    tileCyclesPerSecond * topology.ipu.exchangeBytesPerCyclePerTile
  }

  /// What the compute tiles hold together.
  var sramBytes: Int { computeTiles * topology.ipu.sramBytesPerTile }

  /// Code, exchange code and vertex state.
  var alwaysLiveBytes: Int { Int(Constants.alwaysLiveShareOfSRAM * Double(sramBytes)) }

  /// Of the machine's link, if all of its IPUs talk to the host at once, as an SPMD step does.
  var hostBytesPerSecond: Double {
    topology.machine.hostLinkBytesPerSecond / Double(topology.machine.ipus)
  }

  /// Bytes that each rank sends, how many times it waits for a neighbour, and how fast the links are.
  func route(
    _ kind: Operation.Collective, _ group: ProcessGroup, of mesh: Mesh, bufferBytes: Int
  ) -> (bytes: Double, steps: Int, bytesPerSecond: Double) {
    let ranks = mesh.size(of: group)
    let stride = group == .data ? mesh.tensorParallel : 1
    guard ranks > 1, !topology.hasRing(ranks: ranks, stride: stride) else {
      return (
        kind.wireBytes(bufferBytes: bufferBytes, ranks: ranks), kind.ringSteps(ranks: ranks),
        topology.ringBytesPerSecond(ranks: ranks, stride: stride)
      )
    }
    // Without a ring the library gathers everyone's operand and masks (Graphcore popxl-addons).
    let all = ranks * stride
    let operand = kind == .allGather ? bufferBytes / ranks : bufferBytes
    return (
      Double(operand) * Double(all - 1), all - 1, topology.ringBytesPerSecond(ranks: all)
    )
  }
}

extension Operation.Collective {
  /// Bytes that each rank sends in a ring over `ranks`.
  func wireBytes(bufferBytes: Int, ranks: Int) -> Double {
    guard ranks > 1 else { return 0 }
    let share = Double(ranks - 1) / Double(ranks)
    return switch self {
    case .allReduceSum, .allReduceMax: 2 * share * Double(bufferBytes)
    case .reduceScatter, .allGather: share * Double(bufferBytes)
    case .broadcast: Double(bufferBytes)
    }
  }

  func ringSteps(ranks: Int) -> Int {
    switch self {
    case .allReduceSum, .allReduceMax: 2 * (ranks - 1)
    case .reduceScatter, .allGather, .broadcast: ranks - 1
    }
  }
}
