package import Program
import Topology

/// Whether a Program fits one IPU's tiles and streaming memory, and if not, what does not.
package struct MemoryFit: Sendable, Equatable {
  /// What the tiles that compute have, all together.
  package let sramBytesPerIPU: Int
  /// Code, exchange code and vertex state: there in every phase.
  package let alwaysLiveBytesPerIPU: Int
  /// Always-live bytes and the fullest phase.
  package let sramPeakBytesPerIPU: Int
  package let streamingBytesPerIPU: Int
  package let streamingPeakBytesPerIPU: Int
  /// Each phase's peak, always-live bytes included.
  package let phases: [Phase]
  package let shortfalls: [Shortfall]
  /// The smallest change of each kind that makes it fit; filled in by who can change the plan.
  package var remedies: [String] = []

  package var fits: Bool { shortfalls.isEmpty }
  /// What does not fit, where and by how much, a sentence each.
  package var reasons: [String] { shortfalls.map(\.description) }

  package struct Phase: Sendable, Equatable {
    package let name: String
    package let bytes: Int
    /// The largest that is alive then, by name.
    package let largest: [Item]
  }

  package struct Item: Sendable, Equatable {
    package let name: String
    package let bytes: Int
  }

  /// A memory that is too small for a phase, or for what stays between phases.
  package struct Shortfall: Sendable, Equatable, CustomStringConvertible {
    package let space: MemorySpace
    /// Nil for streaming memory, which is full all the time.
    package let phase: String?
    package let bytes: Int
    package let capacityBytes: Int
    package let largest: [Item]

    package var missingBytes: Int { bytes - capacityBytes }

    package var description: String {
      let place = space == .sram ? "SRAM in phase \(phase ?? "")" : "streaming memory"
      let items = largest.map { "\($0.name) \($0.bytes)" }.joined(separator: ", ")
      return
        "\(place) needs \(bytes) bytes of \(capacityBytes) on each IPU, \(missingBytes) too many; "
        + "the largest are \(items)"
    }
  }
}

extension Estimator {
  /// Whether what one rank runs fits its IPU.
  func memory(ofRank program: Program) -> MemoryFit {
    let capacity = machine.sramBytes
    let alwaysLive = machine.alwaysLiveBytes(operations: program.operationsOfGraphs)
    let timer = OperationTimer(program: program, machine: machine)
    let phases = program.liveness(scratch: timer.scratchBytes).phases.map { peak in
      MemoryFit.Phase(
        name: peak.phase, bytes: alwaysLive + peak.bytes, largest: program.largest(in: peak))
    }
    let streamingCapacity = machine.topology.machine.streamingBytesPerIPU
    let residents = program.streamingResidents
    let streaming = residents.reduce(0) { $0 + $1.bytes }
    var shortfalls = phases.filter { $0.bytes > capacity }.map {
      MemoryFit.Shortfall(
        space: .sram, phase: $0.name, bytes: $0.bytes, capacityBytes: capacity, largest: $0.largest)
    }
    if streaming > streamingCapacity {
      shortfalls.append(
        MemoryFit.Shortfall(
          space: .streaming, phase: nil, bytes: streaming, capacityBytes: streamingCapacity,
          largest: residents.prefix(shownItems).map { program.item($0) }))
    }
    return MemoryFit(
      sramBytesPerIPU: capacity, alwaysLiveBytesPerIPU: alwaysLive,
      sramPeakBytesPerIPU: phases.map(\.bytes).max() ?? alwaysLive,
      streamingBytesPerIPU: streamingCapacity, streamingPeakBytesPerIPU: streaming,
      phases: phases, shortfalls: shortfalls)
  }
}

private let shownItems = 4

extension Program {
  fileprivate func item(_ resident: Liveness.Resident) -> MemoryFit.Item {
    MemoryFit.Item(name: self[resident.tensor].name, bytes: resident.bytes)
  }

  fileprivate func largest(in peak: Liveness.Peak) -> [MemoryFit.Item] {
    var items = peak.live.prefix(shownItems).map(item)
    if peak.scratchBytes > 0 {
      let name = "scratch of \(peak.operation.kind.name)"
      items.append(MemoryFit.Item(name: name, bytes: peak.scratchBytes))
    }
    return Array(items.sorted { $0.bytes > $1.bytes }.prefix(shownItems))
  }
}
