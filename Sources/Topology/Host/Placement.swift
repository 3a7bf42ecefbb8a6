/// Which worker thread runs which ranks, and on which processing unit of the host.
///
/// A pure function of its arguments. Ranks are ordered as the plan has them: those of one
/// tensor-parallel group are consecutive. With fewer workers than ranks each worker has a contiguous
/// block of ranks; with more, each rank has a contiguous block of workers. Blocks differ by at most
/// one in length.
package struct Placement: Sendable, Equatable {
  package struct Worker: Sendable, Equatable {
    package var index: Int
    package var unit: HostTopology.ProcessingUnit
    /// The ranks it runs; one, shared with other workers, when there are more workers than ranks.
    package var ranks: Range<Int>
  }

  package let rankCount: Int
  package let policy: PlacementPolicy
  package let workers: [Worker]

  /// Places `ranks` ranks in groups of `tensorParallel` on the units that the host allows.
  ///
  /// Without `workers` there is one per allowed core, but not more than ranks; with it at most one
  /// per allowed unit. Second hardware threads of a core are taken only after all cores are.
  package init(
    ranks: Int, tensorParallel: Int = 1, on host: HostTopology,
    policy: PlacementPolicy = .compact, workers wanted: Int? = nil
  ) throws(TopologyError) {
    try Self.check(ranks: ranks, tensorParallel: tensorParallel)
    let units: [HostTopology.ProcessingUnit]
    if case .explicit(let list) = policy {
      units = try host.units(named: list, workers: wanted)
    } else {
      let count = try Self.workerCount(wanted, ranks: ranks, on: host)
      units =
        policy == .scatter
        ? host.scatteredUnits(count)
        : host.compactUnits(
          Self.workersPerGroup(workers: count, ranks: ranks, tensorParallel: tensorParallel))
    }
    rankCount = ranks
    self.policy = policy
    workers = units.enumerated().map { index, unit in
      let block = Self.ranks(ofWorker: index, workers: units.count, ranks: ranks)
      return Worker(index: index, unit: unit, ranks: block)
    }
  }

  /// The workers of a rank: one, or several that share its rows.
  package func workers(ofRank rank: Int) -> Range<Int> {
    precondition(0..<rankCount ~= rank, "rank \(rank) is not one of \(rankCount)")
    let count = workers.count
    if count > rankCount { return Self.block(rank, of: rankCount, over: count) }
    // The last worker whose block begins at or before the rank.
    let worker = ((rank + 1) * count - 1) / rankCount
    return worker..<worker + 1
  }

  /// The NUMA node of a rank's first worker.
  package func node(ofRank rank: Int) -> Int {
    workers[workers(ofRank: rank).lowerBound].unit.nodeIndex
  }

  /// The most ranks that are placed.
  static let mostRanks = 65_536

  private static func check(ranks: Int, tensorParallel: Int) throws(TopologyError) {
    guard 1...mostRanks ~= ranks else {
      throw .badPlacement("\(ranks) ranks cannot be placed, expected from 1 to \(mostRanks)")
    }
    guard tensorParallel >= 1, ranks.isMultiple(of: tensorParallel) else {
      throw .badPlacement(
        "\(ranks) ranks are no whole number of groups of \(tensorParallel) tensor-parallel ranks")
    }
  }

  private static func workerCount(
    _ wanted: Int?, ranks: Int, on host: HostTopology
  ) throws(TopologyError) -> Int {
    guard let wanted else { return min(ranks, host.allowedCoreCount) }
    let most = host.allowedUnits.count
    guard 1...most ~= wanted else {
      throw .badPlacement(
        "\(wanted) workers are not possible, expected from 1 to \(most), the processing units that"
          + " this process may use")
    }
    return wanted
  }

  /// The `index`-th of `count` contiguous, balanced blocks over `total` things.
  private static func block(_ index: Int, of count: Int, over total: Int) -> Range<Int> {
    index * total / count..<(index + 1) * total / count
  }

  private static func ranks(ofWorker worker: Int, workers: Int, ranks: Int) -> Range<Int> {
    if workers <= ranks { return block(worker, of: workers, over: ranks) }
    let rank = ((worker + 1) * ranks - 1) / workers
    return rank..<rank + 1
  }

  /// How many workers begin in each tensor-parallel group, without the groups where none does.
  private static func workersPerGroup(workers: Int, ranks: Int, tensorParallel: Int) -> [Int] {
    var counts = [Int](repeating: 0, count: ranks / tensorParallel)
    for worker in 0..<workers {
      let first = Self.ranks(ofWorker: worker, workers: workers, ranks: ranks).lowerBound
      counts[first / tensorParallel] += 1
    }
    return counts.filter { $0 > 0 }
  }
}
