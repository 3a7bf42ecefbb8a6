import Testing

@testable import Topology

/// Two sockets of 8 cores with 2 threads each.
private let twoSockets = "pack:2 [numa] core:8 pu:2"

@Suite struct PlacementTests {
  @Test func `compact keeps the ranks of a group on one node`() throws {
    let host = try HostTopology.synthetic("pack:2 [numa] core:3 pu:1")
    let placement = try Placement(ranks: 4, tensorParallel: 2, on: host)
    // Filling node 0 first would split the second group.
    #expect(placement.workers.map(\.unit.index) == [0, 1, 3, 4])
    #expect((0..<4).map(placement.node(ofRank:)) == [0, 0, 1, 1])
  }

  @Test func `compact takes all cores before second threads`() throws {
    let host = try HostTopology.synthetic(twoSockets)
    let sixteen = try Placement(ranks: 16, tensorParallel: 16, on: host)
    #expect(sixteen.workers.map(\.unit.coreIndex) == Array(0..<16))
    #expect(sixteen.workers.map(\.unit.index) == Array(stride(from: 0, to: 32, by: 2)))
    let all = try Placement(ranks: 64, tensorParallel: 16, on: host, workers: 32)
    #expect(Set(all.workers.map(\.unit.index)) == Set(0..<32))
    #expect(all.workers.map(\.ranks.count) == [Int](repeating: 2, count: 32))
    // Four groups of 8 workers each on a node of 16 threads.
    for group in 0..<4 {
      let nodes = Set((group * 16..<group * 16 + 16).map(all.node(ofRank:)))
      #expect(nodes.count == 1)
    }
  }

  @Test func `a group that fits no node begins on the roomiest`() throws {
    let host = try HostTopology.synthetic("pack:2 [numa] core:4 pu:1")
    let placement = try Placement(ranks: 6, tensorParallel: 6, on: host)
    #expect(placement.workers.map(\.unit.index) == [0, 1, 2, 3, 4, 5])
  }

  @Test func `scatter deals workers to packages and nodes in turn`() throws {
    let host = try HostTopology.synthetic("pack:2 numa:2 core:2 pu:2")
    let placement = try Placement(ranks: 4, on: host, policy: .scatter)
    #expect(placement.workers.map(\.unit.nodeIndex) == [0, 2, 1, 3])
    #expect(placement.workers.map(\.unit.packageIndex) == [0, 1, 0, 1])
    let full = try Placement(ranks: 16, on: host, policy: .scatter, workers: 16)
    #expect(Set(full.workers.map(\.unit.index)) == Set(0..<16))
    #expect(full.workers.prefix(8).map(\.unit.coreIndex).sorted() == Array(0..<8))
  }

  @Test func `explicit uses the listed units in their order`() throws {
    let host = try HostTopology.synthetic(twoSockets)
    let placement = try Placement(
      ranks: 5, on: host, policy: PlacementPolicy(parsing: "explicit:30,0-2"))
    #expect(placement.workers.map(\.unit.index) == [30, 0, 1, 2])
    #expect(placement.workers.map(\.ranks) == [0..<1, 1..<2, 2..<3, 3..<5])
  }

  @Test func `one unit runs all ranks`() throws {
    let host = try HostTopology.synthetic("core:1 pu:1")
    let placement = try Placement(ranks: 64, tensorParallel: 16, on: host)
    #expect(placement.workers.map(\.ranks) == [0..<64])
  }

  @Test func `by default there are no more workers than ranks and cores`() throws {
    let host = try HostTopology.synthetic(twoSockets)
    #expect(try Placement(ranks: 3, on: host).workers.count == 3)
    #expect(try Placement(ranks: 100, on: host).workers.count == 16)
  }

  @Test func `only allowed units are used`() throws {
    var host = try HostTopology.synthetic(twoSockets)
    host.allowedUnits = host.units.filter { [3, 20, 21].contains($0.index) }
    for policy in [PlacementPolicy.compact, .scatter] {
      let placement = try Placement(ranks: 8, tensorParallel: 4, on: host, policy: policy)
      #expect(placement.workers.map(\.unit.index) == [3, 20])
    }
    let error = #expect(throws: TopologyError.self) {
      try Placement(ranks: 8, on: host, policy: .explicit([3, 4]))
    }
    #expect(error.map { "\($0)".contains("unit 4 is not left to this process") } == true)
  }

  @Test(arguments: [1, 2, 3, 5, 7, 16, 31, 32], [1, 2, 3, 4, 16, 21, 64])
  func `blocks are contiguous, balanced and cover everything`(workers: Int, ranks: Int) throws {
    let host = try HostTopology.synthetic(twoSockets)
    for policy in [PlacementPolicy.compact, .scatter] {
      let placement = try Placement(ranks: ranks, on: host, policy: policy, workers: workers)
      #expect(placement.workers.count == workers)
      #expect(Set(placement.workers.map(\.unit.index)).count == workers)
      var pairs: Set<[Int]> = []
      for worker in placement.workers {
        for rank in worker.ranks { pairs.insert([worker.index, rank]) }
      }
      let seenFromRanks = (0..<ranks).flatMap { rank in
        placement.workers(ofRank: rank).map { [$0, rank] }
      }
      #expect(pairs == Set(seenFromRanks))
      #expect(seenFromRanks.count == max(workers, ranks))
      let loads =
        workers <= ranks
        ? placement.workers.map(\.ranks.count)
        : (0..<ranks).map { placement.workers(ofRank: $0).count }
      #expect((loads.max() ?? 0) - (loads.min() ?? 0) <= 1)
    }
  }

  @Test(arguments: [
    ("explicit:0-3,8,2", "twice"), ("explicit:32", "does not exist"), ("explicit:", "'explicit:'"),
    ("0-99999999999999999999", "'0-99999999999999999999'"), ("3-1", "'3-1'"), ("1,,2", "''"),
    ("0-65535,0-65535", "twice"), ("1-2-3", "'1-2-3'"), ("0-x", "'0-x'"),
    ("compcat", "did you mean 'compact'?"), ("", "''"), ("-1", "'-1'"),
  ])
  func `a wrong placement is explained`(text: String, message: String) throws {
    let host = try HostTopology.synthetic(twoSockets)
    let error = #expect(throws: TopologyError.self) {
      try Placement(ranks: 4, on: host, policy: PlacementPolicy(parsing: text))
    }
    #expect(error?.exitStatus == 64)
    #expect(error.map { "\($0)".contains(message) } == true, "\(error.map { "\($0)" } ?? "")")
  }

  @Test(arguments: [0, -1, 33, Int.max])
  func `a number of workers beyond the allowed units is refused`(workers: Int) throws {
    let host = try HostTopology.synthetic(twoSockets)
    let error = #expect(throws: TopologyError.self) {
      try Placement(ranks: 4, on: host, workers: workers)
    }
    #expect(error.map { "\($0)".contains("from 1 to 32") } == true)
  }

  @Test(arguments: [(0, 1), (-4, 1), (Int.max, 1), (16, 3), (16, 0), (4, 8)])
  func `ranks that are no groups are refused`(ranks: Int, tensorParallel: Int) throws {
    let host = try HostTopology.synthetic(twoSockets)
    #expect(throws: TopologyError.self) {
      try Placement(ranks: ranks, tensorParallel: tensorParallel, on: host)
    }
  }

  @Test func `workers that contradict an explicit list are refused`() throws {
    let host = try HostTopology.synthetic(twoSockets)
    #expect(throws: TopologyError.self) {
      try Placement(ranks: 4, on: host, policy: .explicit([0, 1]), workers: 3)
    }
    #expect(throws: TopologyError.self) {
      try Placement(ranks: 4, on: host, policy: .explicit([]))
    }
  }
}
