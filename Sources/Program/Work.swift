/// What operations cost, counted: arithmetic and bytes, never seconds.
///
/// The Program states it from shapes; kernels and collectives count the same where they are called.
package struct Work: Sendable, Equatable {
  /// Multiplications and additions of matmuls and attention.
  package var flops = 0
  /// Elements that vector work passes over (norms, gelu, softmax of the loss, the optimizer, ...).
  package var elements = 0
  /// Streaming memory -> tiles.
  package var loadBytes = 0
  /// Tiles -> streaming memory.
  package var storeBytes = 0
  /// Between host and tiles, both directions.
  package var hostBytes = 0
  package var collectives = CollectiveTally()

  package init(flops: Int = 0, elements: Int = 0) {
    self.flops = flops
    self.elements = elements
  }

  package static func += (total: inout Work, part: Work) {
    total.flops += part.flops
    total.elements += part.elements
    total.loadBytes += part.loadBytes
    total.storeBytes += part.storeBytes
    total.hostBytes += part.hostBytes
    total.collectives += part.collectives
  }

  package static func + (one: Work, other: Work) -> Work {
    var total = one
    total += other
    return total
  }

  /// The same work `times` times.
  package static func * (work: Work, times: Int) -> Work {
    var total = work
    total.flops *= times
    total.elements *= times
    total.loadBytes *= times
    total.storeBytes *= times
    total.hostBytes *= times
    total.collectives = work.collectives * times
    return total
  }
}

/// Calls and payload bytes of collectives, by kind and group; payload is buffer size x calls.
///
/// The buffer is the larger side: what an all-gather yields, what a reduce-scatter starts from.
package struct CollectiveTally: Sendable, Equatable {
  package typealias Kind = Operation.Collective
  /// Empty until something is recorded: most operations are no collectives.
  private var callCounts: [Int] = []
  private var payloads: [Int] = []

  package init() {}

  package static func == (one: CollectiveTally, other: CollectiveTally) -> Bool {
    func isEmpty(_ tally: CollectiveTally) -> Bool {
      tally.callCounts.allSatisfy { $0 == 0 } && tally.payloads.allSatisfy { $0 == 0 }
    }
    return (one.callCounts == other.callCounts && one.payloads == other.payloads)
      || (isEmpty(one) && isEmpty(other))
  }

  private mutating func makeRoom() {
    guard callCounts.isEmpty else { return }
    callCounts = [Int](repeating: 0, count: Kind.allCases.count * ProcessGroup.allCases.count)
    payloads = callCounts
  }

  package mutating func record(_ kind: Kind, _ group: ProcessGroup, bytes: Int, calls: Int = 1) {
    makeRoom()
    callCounts[Self.slot(kind, group)] += calls
    payloads[Self.slot(kind, group)] += bytes
  }

  package func calls(_ kind: Kind, _ group: ProcessGroup) -> Int {
    callCounts.isEmpty ? 0 : callCounts[Self.slot(kind, group)]
  }

  package func bytes(_ kind: Kind, _ group: ProcessGroup) -> Int {
    payloads.isEmpty ? 0 : payloads[Self.slot(kind, group)]
  }

  /// Payload of one kind over every group.
  package func bytes(_ kind: Kind) -> Int {
    ProcessGroup.allCases.reduce(0) { $0 + bytes(kind, $1) }
  }

  package static func += (total: inout CollectiveTally, part: CollectiveTally) {
    guard !part.payloads.isEmpty else { return }
    total.makeRoom()
    for slot in total.payloads.indices {
      total.callCounts[slot] += part.callCounts[slot]
      total.payloads[slot] += part.payloads[slot]
    }
  }

  package static func * (tally: CollectiveTally, times: Int) -> CollectiveTally {
    var total = tally
    for slot in total.payloads.indices {
      total.callCounts[slot] *= times
      total.payloads[slot] *= times
    }
    return total
  }

  private static func slot(_ kind: Kind, _ group: ProcessGroup) -> Int {
    let row =
      switch kind {
      case .allReduceSum: 0
      case .allReduceMax: 1
      case .reduceScatter: 2
      case .allGather: 3
      case .broadcast: 4
      case .send: 5
      }
    let column =
      switch group {
      case .tensor: 0
      case .data: 1
      case .all: 2
      case .pipeline: 3
      }
    return row * ProcessGroup.allCases.count + column
  }
}
