import Program
import Topology

/// A collective on the links of one topology: bytes, supersteps and time at the physical rate.
struct Route: Equatable {
  /// That each rank sends.
  var bytes = 0.0
  /// How often each waits for its neighbour.
  var steps = 0.0
  /// With every link at its physical rate.
  var seconds = 0.0
  /// Beside the operand and the result, on each IPU.
  var scratchBytes = 0

  /// A ring's leg: n - 1 steps with 1/n of the buffer each, twice for an all-reduce.
  private mutating func add(_ ring: PodTopology.Ring, bytes: Double, steps: Double) {
    self.bytes += bytes
    self.steps += steps
    seconds += bytes / ring.bytesPerSecond
  }

  /// Inside the link domain first; across domains each rank has only its part of the buffer.
  init(_ kind: Operation.Collective, _ links: PodTopology.GroupLinks, bufferBytes: Int) {
    var buffer = Double(bufferBytes)
    if let ring = links.inside {
      if let all = ring.spannedIPUs {
        let operand = kind == .allGather ? bufferBytes / ring.ranks : bufferBytes
        add(ring, bytes: Double(operand) * Double(all - 1), steps: Double(all - 1))
        scratchBytes = operand * all
      } else {
        add(
          ring, bytes: kind.wireBytes(bufferBytes: buffer, ranks: ring.ranks),
          steps: Double(kind.ringSteps(ranks: ring.ranks)))
      }
      if kind != .broadcast { buffer /= Double(ring.ranks) }
    }
    if let ring = links.across {
      add(
        ring, bytes: kind.wireBytes(bufferBytes: buffer, ranks: ring.ranks),
        steps: Double(kind.ringSteps(ranks: ring.ranks)))
    }
  }
}

extension Machine {
  func route(
    _ kind: Operation.Collective, _ group: ProcessGroup, of mesh: Mesh, bufferBytes: Int
  ) -> Route {
    Route(
      kind,
      topology.groupLinks(
        ranks: mesh.size(of: group), stride: mesh.stride(of: group),
        replicasHaveRings: replicasHaveRings),
      bufferBytes: bufferBytes)
  }
}

extension Operation.Collective {
  /// Bytes that each rank sends in a ring over `ranks`.
  func wireBytes(bufferBytes: Double, ranks: Int) -> Double {
    guard ranks > 1 else { return 0 }
    let share = Double(ranks - 1) / Double(ranks)
    return switch self {
    case .allReduceSum, .allReduceMax: 2 * share * bufferBytes
    case .reduceScatter, .allGather: share * bufferBytes
    case .broadcast, .send: bufferBytes
    }
  }

  func ringSteps(ranks: Int) -> Int {
    switch self {
    case .allReduceSum, .allReduceMax: 2 * (ranks - 1)
    case .reduceScatter, .allGather, .broadcast: ranks - 1
    case .send: 1
    }
  }
}
