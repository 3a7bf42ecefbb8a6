import Collectives
import Regression

extension Benchmark {
  /// Collectives as the emulator runs them, all ranks' parts on one thread.
  static let collectives: [Benchmark] = [
    collective("all_reduce", ranks: 4, count: 1 << 18) { group, bytes in
      group.joined.allReduceSum(0..<group.count, counting: &bytes)
      return 1
    },
    collective("all_reduce_wide", ranks: 16, count: 1 << 16) { group, bytes in
      group.joined.allReduceSum(0..<group.count, counting: &bytes)
      return 1
    },
    collective("all_reduce_odd", ranks: 7, count: 99_991) { group, bytes in
      group.joined.allReduceSum(0..<group.count, counting: &bytes)
      return 1
    },
    collective("all_reduce_max", ranks: 4, count: 1 << 18) { group, bytes in
      group.joined.allReduceMax(0..<group.count, counting: &bytes)
      return 1
    },
    collective("reduce_scatter", ranks: 4, count: 1 << 18) { group, bytes in
      for rank in 0..<group.ranks {
        group.reducing(rank).reduceScatter(
          0..<group.shard, offset: rank * group.shard, count: group.count, counting: &bytes)
      }
      return 1
    },
    collective("all_gather", ranks: 4, count: 1 << 18) { group, bytes in
      for rank in 0..<group.ranks {
        group.from(rank).allGather(
          0..<group.shard, offset: rank * group.shard, count: group.count, counting: &bytes)
      }
      return 1
    },
    collective("broadcast", ranks: 4, count: 1 << 18) { group, bytes in
      group.from(0).broadcast(0..<group.count, counting: &bytes)
      return 1
    },
  ]

  /// Eight calls of `call`, which returns how many collectives it was.
  private static func collective(
    _ name: String, ranks: Int, count: Int,
    _ call: @escaping @Sendable (CollectiveGroup, inout CollectiveBytes) -> Int
  ) -> Benchmark {
    let plan = "\(ranks) ranks, \(count) elements, float32, 1 thread, 8 calls"
    return Benchmark("collectives/\(name)", plan, .memory) {
      let group = CollectiveGroup(ranks: ranks, count: count)
      var calls = 0
      var bytes = CollectiveBytes()
      return Workload {
        calls = 0
        bytes = CollectiveBytes()
        for _ in 0..<8 { calls += call(group, &bytes) }
      } counts: {
        Counts.collectives(calls: calls, bytes: bytes.total)
      }
    }
  }
}

/// The buffers of a group of ranks: each has one that it gives and one that it gets.
final class CollectiveGroup {
  let ranks: Int
  /// Elements of the whole, and of a rank's shard of it.
  let count: Int
  let shard: Int
  private let given: [Buffer<Float>]
  private let gotten: [Buffer<Float>]
  private let sources: Buffer<UnsafePointer<Float>?>
  private let targets: Buffer<UnsafeMutablePointer<Float>>

  init(ranks: Int, count: Int) {
    self.ranks = ranks
    self.count = count
    shard = (count + ranks - 1) / ranks
    let given = (0..<ranks).map { Buffer.noise(count, seed: $0) }
    let gotten = (0..<ranks).map { _ in Buffer.zeros(count) }
    sources = Buffer(ranks) { UnsafePointer(given[$0].start) }
    targets = Buffer(ranks) { gotten[$0].start }
    self.given = given
    self.gotten = gotten
  }

  /// From all to all.
  var joined: CollectiveBuffers {
    CollectiveBuffers(
      sources: sources.start, sourceCount: ranks, targets: targets.start, targetCount: ranks)
  }

  /// From all to one.
  func reducing(_ rank: Int) -> CollectiveBuffers {
    CollectiveBuffers(
      sources: sources.start, sourceCount: ranks, targets: targets.start + rank, targetCount: 1)
  }

  /// From one to all.
  func from(_ rank: Int) -> CollectiveBuffers {
    CollectiveBuffers(
      sources: sources.start + rank, sourceCount: 1, targets: targets.start, targetCount: ranks)
  }
}
