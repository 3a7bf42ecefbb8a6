extension HostTopology {
  /// The units of an explicit list in its order.
  func units(named list: [Int], workers: Int?) throws(TopologyError) -> [ProcessingUnit] {
    guard !list.isEmpty else { throw .badPlacement("the explicit placement names no unit") }
    if let workers, workers != list.count {
      throw .badPlacement(
        "\(workers) workers were asked for, but the explicit placement names \(list.count) units")
    }
    var units: [ProcessingUnit] = []
    var seen: Set<Int> = []
    for index in list {
      guard seen.insert(index).inserted else {
        throw .badPlacement("the explicit placement names processing unit \(index) twice")
      }
      guard let unit = allowedUnits.first(where: { $0.index == index }) else {
        throw .badPlacement(refusal(ofUnit: index))
      }
      units.append(unit)
    }
    return units
  }

  private func refusal(ofUnit index: Int) -> String {
    let exists = units.contains { $0.index == index }
    let allowed = allowedUnits.map { "\($0.index)" }.joined(separator: ",")
    return "processing unit \(index) "
      + (exists ? "is not left to this process" : "does not exist on this host")
      + ", expected some of \(allowed)"
  }

  /// Fills node after node; the workers of a group stay on the first node with room for all of them.
  ///
  /// A group that fits nowhere begins on the node with the most room and goes on to the next.
  func compactUnits(_ workersPerGroup: [Int]) -> [ProcessingUnit] {
    let count = workersPerGroup.reduce(0, +)
    var free = unitsByNode(candidates(for: count))
    var chosen: [ProcessingUnit] = []
    for workers in workersPerGroup {
      var missing = workers
      while missing > 0 {
        let roomy = free.indices.first { free[$0].count >= missing }
        guard let node = roomy ?? free.indices.max(by: { free[$0].count < free[$1].count }),
          !free[node].isEmpty
        else { preconditionFailure("more workers than units") }
        let taken = min(missing, free[node].count)
        chosen += free[node].prefix(taken)
        free[node].removeFirst(taken)
        missing -= taken
      }
    }
    return chosen
  }

  /// Deals workers to packages in turn, in each package to its nodes in turn.
  func scatteredUnits(_ count: Int) -> [ProcessingUnit] {
    let packages = Dictionary(grouping: candidates(for: count), by: \.packageIndex)
    let byPackage = packages.keys.sorted().map { interleaved(unitsByNode(packages[$0] ?? [])) }
    return Array(interleaved(byPackage).prefix(count))
  }

  /// One unit of every core, and when that is not enough then all: second threads come last.
  private func candidates(for count: Int) -> [ProcessingUnit] {
    var threadsOfCore: [Int: Int] = [:]
    var rounds: [[ProcessingUnit]] = []
    for unit in allowedUnits {
      let round = threadsOfCore[unit.coreIndex, default: 0]
      threadsOfCore[unit.coreIndex] = round + 1
      if round == rounds.count { rounds.append([]) }
      rounds[round].append(unit)
    }
    return count <= rounds[0].count ? rounds[0] : rounds.flatMap { $0 }
  }

  /// In the order in which the nodes first appear; the order inside a node is kept.
  private func unitsByNode(_ units: [ProcessingUnit]) -> [[ProcessingUnit]] {
    var nodes: [Int] = []
    for unit in units where !nodes.contains(unit.nodeIndex) { nodes.append(unit.nodeIndex) }
    let byNode = Dictionary(grouping: units, by: \.nodeIndex)
    return nodes.map { byNode[$0] ?? [] }
  }

  /// The first of each list, then the second of each, until all are used.
  private func interleaved(_ lists: [[ProcessingUnit]]) -> [ProcessingUnit] {
    let longest = lists.map(\.count).max() ?? 0
    return (0..<longest).flatMap { round in
      lists.compactMap { $0.indices.contains(round) ? $0[round] : nil }
    }
  }
}
