import Program
import Topology

#if canImport(Glibc)
  import Glibc
#endif

/// How a product is laid on the tiles: what it needs there beside its operands, and what it costs to
/// have less.
///
/// Each tile computes one block of the product, all of them about cubes, for which its parts of both
/// operands are brought to it and its partial sums kept. Where that exceeds the memory proportion,
/// the product runs in steps of smaller blocks, which move more bytes over the exchange in all.
struct MatmulPlan {
  /// At the published share of peak for its shape, and the exchange of serial steps.
  let seconds: Double
  let scratchBytesPerTile: Double
  /// Of the peak, at the published curve.
  let curveShare: Double

  init(
    rows: Int, inner: Int, columns: Int, _ type: ElementType, on machine: Machine,
    partials: Estimator.Partials? = nil
  ) {
    let partials = partials ?? machine.partials
    let volume = Double(rows) * Double(inner) * Double(columns)
    curveShare = MatmulCurve.curve(for: type).share(rows: rows, inner: inner, columns: columns)
    let face = Self.face(of: volume / Double(machine.computeTiles))
    let operands = 2 * face * Double(type.bytes)
    let partialBytes = type.isHalf && partials == .half ? 2.0 : 4
    let needed = operands + face * partialBytes
    let tile = Double(machine.topology.ipu.sramBytesPerTile)
    let steps = Self.steps(needed, in: machine.availableMemoryProportion * tile)
    // The curve's own products were planned within its proportion.
    let curveSteps = Self.steps(needed, in: Constants.curveMemoryProportion * tile)
    scratchBytesPerTile =
      Constants.scratchShareOfPlan * min(needed, machine.availableMemoryProportion * tile)
    let moreBytes = operands * max(0, cbrt(steps) - cbrt(curveSteps))
    seconds =
      2 * volume / (curveShare * machine.peakFlopsPerSecond(type, partials: partials))
      + moreBytes * Double(machine.computeTiles) / machine.exchangeBytesPerSecond
      + machine.seconds(syncs: Constants.syncsPerOperation * max(0, steps - curveSteps))
  }

  /// Elements of one face of a cube of that volume.
  private static func face(of volume: Double) -> Double {
    let side = cbrt(max(1, volume))
    return side * side
  }

  /// Memory goes with the 2/3 power of a block's volume.
  private static func steps(_ bytes: Double, in room: Double) -> Double {
    let ratio = bytes / room
    return ratio <= 1 ? 1 : (ratio * ratio.squareRoot()).rounded(.up)
  }
}
