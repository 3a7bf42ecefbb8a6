package import Program

/// What the Emulator shares among the ranks of a Program, as it follows from the Program alone.
///
/// Ranks between which a tensor does not differ hold it once, and what makes it runs once, shared
/// out over the lanes of all of them. What is a view of streaming memory is not moved, and temporaries
/// lie over each other. A rank is cut
/// into blocks where there are few ranks, so that a plan has at least 16 lanes; workers take equal
/// runs of lanes.
package struct HostSharing {
  let program: Program
  let workers: Int
  let blocksPerRank: Int
  let views: StreamingViews
  let temporaries: BufferAssignment
  /// For each set of axes, the lanes of each group of ranks that hold one content.
  private let lanes: [AxisSet: [[Int]]]

  static let fewestLanes = 16

  package init(_ program: Program, workers: Int) {
    let mesh = program.mesh
    self.program = program
    blocksPerRank = max(1, (Self.fewestLanes + mesh.ranks - 1) / mesh.ranks)
    self.workers = max(1, min(workers, mesh.ranks * blocksPerRank))
    views = StreamingViews(program)
    temporaries = BufferAssignment(program, views: views)
    let blocks = blocksPerRank
    var lanes: [AxisSet: [[Int]]] = [:]
    for axes in Set(program.tensors.map(\.differsOver)) {
      var groups: [Int: [Int]] = [:]
      for rank in 0..<mesh.ranks {
        groups[Self.content(axes, mesh, rank), default: []] +=
          (0..<blocks).map { rank * blocks + $0 }
      }
      lanes[axes] = groups.sorted { $0.key < $1.key }.map(\.value)
    }
    self.lanes = lanes
  }

  private static func content(_ axes: AxisSet, _ mesh: Mesh, _ rank: Int) -> Int {
    let column = axes.contains(.tensor) ? mesh.tensorIndex(of: rank) : 0
    let row = axes.contains(.data) ? mesh.dataIndex(of: rank) : 0
    return row * mesh.tensorParallel + column
  }

  var laneCount: Int { program.mesh.ranks * blocksPerRank }

  /// Of each distinct content of a tensor, the lanes that share out what makes it.
  func owners(of tensor: Tensor) -> [[Int]] { lanes[tensor.differsOver] ?? [] }

  /// In how many copies the host keeps a tensor.
  func contents(of tensor: Tensor) -> Int { owners(of: tensor).count }

  func worker(of lane: Int) -> Int {
    // The worker w has the lanes from w x lanes / workers on, rounded down.
    ((lane + 1) * workers - 1) / laneCount
  }
}
