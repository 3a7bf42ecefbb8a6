/// The machine that emulates the pod, or a synthetic one to plan for: a plain value.
package struct HostTopology: Sendable, Equatable {
  /// A hardware thread, where it is and by which number the system knows it.
  package struct ProcessingUnit: Sendable, Equatable {
    /// The system's number, as `taskset` takes it.
    package var index: Int
    /// hwloc's logical number of the core, counted over the whole machine.
    package var coreIndex: Int
    /// The system's number of the nearest NUMA node.
    package var nodeIndex: Int
    /// hwloc's logical number of the package (socket).
    package var packageIndex: Int

    package init(index: Int, coreIndex: Int, nodeIndex: Int, packageIndex: Int) {
      self.index = index
      self.coreIndex = coreIndex
      self.nodeIndex = nodeIndex
      self.packageIndex = packageIndex
    }
  }

  package struct NUMANode: Sendable, Equatable {
    /// The system's number.
    package var index: Int
    /// 0 when a synthetic description does not say.
    package var memoryBytes: Int
  }

  /// All caches of one level and kind.
  package struct Cache: Sendable, Equatable {
    package enum Kind: String, Sendable { case unified, data, instruction }
    package var level: Int
    package var kind: Kind
    /// Of one cache.
    package var bytes: Int
    package var count: Int
  }

  /// The description of a synthetic host, nil for a real one.
  package var synthetic: String?
  /// Whether pinning has an effect; false for synthetic hosts.
  package var isThisMachine: Bool
  /// As the system names it; "unknown" when it does not, "synthetic" for a synthetic host.
  package var cpuModel: String
  /// Sockets, at least 1.
  package var packageCount: Int
  package var numaNodes: [NUMANode]
  /// From the innermost level outwards; kinds that differ in size count by their first cache.
  package var caches: [Cache]
  /// Every hardware thread in logical order: neighbours in the machine are neighbours here.
  package var units: [ProcessingUnit]
  /// The units that the cgroup and the affinity mask (`taskset`) leave to this process; not empty.
  package var allowedUnits: [ProcessingUnit]

  package var coreCount: Int { Set(units.map(\.coreIndex)).count }
  /// Cores of which at least one unit is allowed.
  package var allowedCoreCount: Int { Set(allowedUnits.map(\.coreIndex)).count }
  package var memoryBytes: Int { numaNodes.reduce(0) { $0 + $1.memoryBytes } }
}
