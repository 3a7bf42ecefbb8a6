import Program
import Topology

/// A topology as one rank sees it: the figures that operations are timed with.
struct Machine: Sendable {
  let topology: PodTopology
  /// Tiles that compute: those that the configuration gives to I/O are taken out.
  let computeTiles: Int
  /// Of a tile's memory, for what a product needs beside its operands.
  let availableMemoryProportion: Double
  let partials: Estimator.Partials
  /// Whether the library knows groups of replicas as its own and need not gather from everyone.
  var replicasHaveRings: Bool

  init(
    _ topology: PodTopology, ioTiles: Int, availableMemoryProportion: Double = 0.2,
    partials: Estimator.Partials = .half, replicasHaveRings: Bool = false
  ) {
    self.replicasHaveRings = replicasHaveRings
    self.topology = topology
    computeTiles = min(max(1, topology.ipu.tiles - ioTiles), topology.ipu.tiles)
    // Poplar takes any share from 0; nothing can be planned in none.
    self.availableMemoryProportion = min(1, max(0.01, availableMemoryProportion))
    self.partials = partials
  }

  var tileCyclesPerSecond: Double { Double(computeTiles) * topology.ipu.clockHertz }

  /// Arithmetic of all compute tiles, a second.
  func peakFlopsPerSecond(_ type: ElementType, partials: Estimator.Partials = .half) -> Double {
    let flopsPerCycle = topology.ipu.matmulFlopsPerCyclePerTile(
      for: type.isHalf ? .float16 : .float32)
    let isSlower = type.isHalf && partials == .single
    return tileCyclesPerSecond * flopsPerCycle
      * (isSlower ? Constants.singlePartialsRateShare : 1)
  }

  var sramBytesPerSecond: Double { tileCyclesPerSecond * topology.ipu.sramBytesPerCyclePerTile }

  var exchangeBytesPerSecond: Double {
    tileCyclesPerSecond * topology.ipu.exchangeBytesPerCyclePerTile
  }

  func seconds(syncs: Double) -> Double {
    syncs * Constants.cyclesPerSync / topology.ipu.clockHertz
  }

  /// What the compute tiles hold together.
  var sramBytes: Int { computeTiles * topology.ipu.sramBytesPerTile }

  /// Code, exchange code and vertex state of so many operations as written.
  func alwaysLiveBytes(operations: Int) -> Int {
    computeTiles
      * (Constants.alwaysLiveBytesPerTile
        + operations * Constants.alwaysLiveBytesPerTileAndOperation)
  }
}
