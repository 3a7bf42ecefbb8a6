import CHwloc

extension HostTopology {
  /// The machine that this process runs on, as hwloc sees it.
  ///
  /// Call it before threads are pinned: the affinity masks of all threads together are the allowed
  /// set. Costs some milliseconds.
  package static func detect() throws(TopologyError) -> HostTopology {
    try HostTopology(HwlocMachine.load(synthetic: nil), synthetic: nil)
  }

  /// A machine that need not exist, such as `pack:2 [numa] core:8 pu:2`, all of it allowed.
  package static func synthetic(_ description: String) throws(TopologyError) -> HostTopology {
    try checkSize(of: description)
    return try HostTopology(HwlocMachine.load(synthetic: description), synthetic: description)
  }

  /// The host of `--host`: a synthetic one, or without the flag this machine.
  package static func host(_ description: String?) throws(TopologyError) -> HostTopology {
    if let description { try synthetic(description) } else { try detect() }
  }

  private init(_ machine: HwlocMachine, synthetic: String?) throws(TopologyError) {
    self.synthetic = synthetic
    isThisMachine = machine.isThisMachine
    cpuModel = synthetic == nil ? machine.cpuModel : "synthetic"
    packageCount = max(1, machine.objects(HWLOC_OBJ_PACKAGE).count)
    numaNodes = machine.objects(HWLOC_OBJ_NUMANODE).map { node in
      let bytes = node.pointee.attr.pointee.numanode.local_memory
      return NUMANode(index: Int(node.pointee.os_index), memoryBytes: Int(clamping: bytes))
    }
    caches = machine.caches
    let units = machine.units
    let allowed = machine.allowedIndices
    self.units = units
    allowedUnits = units.filter { allowed.contains($0.index) }
    guard !allowedUnits.isEmpty else {
      throw .unavailable("no processing unit of this host is left to this process")
    }
  }

  /// The most hardware threads of a synthetic host: at worst a second for hwloc, minutes for more.
  static let mostSyntheticUnits = 4096

  /// Refuses descriptions that would keep hwloc busy for minutes.
  ///
  /// Only the sizes are read here, `2` or `core:2(attributes)`; hwloc judges the rest.
  private static func checkSize(of description: String) throws(TopologyError) {
    var size = 1
    for level in outsideBrackets(description).split(separator: " ") {
      guard let text = level.split(separator: ":").last, text.first?.isNumber == true else {
        continue
      }
      let product = Int(text).map { size.multipliedReportingOverflow(by: $0) }
      guard let product, !product.overflow, 1...mostSyntheticUnits ~= product.partialValue else {
        throw .badHost(
          description, reason: "expected from 1 to \(mostSyntheticUnits) processing units")
      }
      size = product.partialValue
    }
  }

  /// A description without its `(attributes)` and `[memory]`, which may contain spaces and colons.
  private static func outsideBrackets(_ description: String) -> String {
    var depth = 0
    return description.filter { character in
      if "([".contains(character) { depth += 1 }
      defer { if ")]".contains(character) { depth = max(0, depth - 1) } }
      return depth == 0
    }
  }
}

extension HwlocMachine {
  fileprivate var cpuModel: String {
    for object in objects(HWLOC_OBJ_PACKAGE).prefix(1) + [hwloc_get_root_obj(raw)] {
      if let name = hwloc_obj_get_info_by_name(object, "CPUModel") { return String(cString: name) }
    }
    return "unknown"
  }

  fileprivate var units: [HostTopology.ProcessingUnit] {
    objects(HWLOC_OBJ_PU).map { unit in
      HostTopology.ProcessingUnit(
        index: Int(unit.pointee.os_index),
        // A machine that hides its cores counts as one thread per core.
        coreIndex: index(of: HWLOC_OBJ_CORE, around: unit) ?? Int(unit.pointee.logical_index),
        // Beside several kinds of memory the first node is the ordinary one.
        nodeIndex: max(0, Int(hwloc_bitmap_first(unit.pointee.nodeset))),
        packageIndex: index(of: HWLOC_OBJ_PACKAGE, around: unit) ?? 0)
    }
  }

  /// What the cgroup allows, and on this machine also the affinity mask of the process.
  fileprivate var allowedIndices: Set<Int> {
    let allowed = Set(hwlocMembers(hwloc_topology_get_allowed_cpuset(raw)))
    guard isThisMachine else { return allowed }
    let bound = HwlocBitmap()
    guard hwloc_get_cpubind(raw, bound.raw, Int32(HWLOC_CPUBIND_PROCESS.rawValue)) == 0 else {
      return allowed
    }
    return allowed.intersection(bound.members)
  }

  fileprivate var caches: [HostTopology.Cache] {
    let types = [
      HWLOC_OBJ_L1CACHE, HWLOC_OBJ_L1ICACHE, HWLOC_OBJ_L2CACHE, HWLOC_OBJ_L2ICACHE,
      HWLOC_OBJ_L3CACHE, HWLOC_OBJ_L3ICACHE, HWLOC_OBJ_L4CACHE, HWLOC_OBJ_L5CACHE,
    ]
    return types.compactMap { type in
      let objects = objects(type)
      guard let first = objects.first else { return nil }
      let cache = first.pointee.attr.pointee.cache
      return HostTopology.Cache(
        level: Int(cache.depth), kind: kind(of: cache.type), bytes: Int(clamping: cache.size),
        count: objects.count)
    }
  }

  private func kind(of type: hwloc_obj_cache_type_t) -> HostTopology.Cache.Kind {
    switch type {
    case HWLOC_OBJ_CACHE_DATA: .data
    case HWLOC_OBJ_CACHE_INSTRUCTION: .instruction
    default: .unified
    }
  }
}
