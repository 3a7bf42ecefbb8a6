import Program

/// The equal parts that every operation is cut into: ranks, in blocks where there are few of them.
///
/// The cut depends on the plan only. Which worker runs a lane never changes a bit of the result.
struct LaneSet {
  let mesh: Mesh
  let blocksPerRank: Int

  /// Enough parts for the cores of one socket, and no more than a small model can use.
  static let fewestLanes = 16

  init(_ mesh: Mesh) {
    self.mesh = mesh
    blocksPerRank = max(1, (Self.fewestLanes + mesh.ranks - 1) / mesh.ranks)
  }

  var count: Int { mesh.ranks * blocksPerRank }

  /// The lanes of those ranks, in their order.
  func lanes(of ranks: [Int]) -> [Int] {
    ranks.flatMap { rank in (0..<blocksPerRank).map { rank * blocksPerRank + $0 } }
  }

  func rank(of lane: Int) -> Int { lane / blocksPerRank }
}
