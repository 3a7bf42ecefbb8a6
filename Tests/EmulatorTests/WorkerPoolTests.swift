import Testing

@testable import Emulator

/// Plain memory that workers share; only their barriers order what they do with it.
private final class Counters: @unchecked Sendable {
  let values: UnsafeMutableBufferPointer<Int>

  init(_ count: Int) {
    values = .allocate(capacity: count)
    values.initialize(repeating: 0)
  }

  deinit { values.deallocate() }
}

@Suite("Workers start, meet and stop")
struct WorkerPoolTests {
  @Test(
    "After every round at the barrier each worker sees what all others wrote before it",
    arguments: 1...8)
  func barrier(count: Int) throws {
    let rounds = 1500
    let pool = try WorkerPool(count: count) { _ in }
    defer { pool.stop() }
    let counters = Counters(count)
    let seen = Counters(count)
    let barrier = pool.barrier
    pool.run { worker in
      for round in 1...rounds {
        counters.values[worker] = round
        barrier.wait()
        if counters.values.allSatisfy({ $0 == round }) { seen.values[worker] += 1 }
        barrier.wait()
      }
    }
    #expect(seen.values.allSatisfy { $0 == rounds })
  }

  @Test("Workers that take turns at being late still meet", arguments: [2, 3, 8, 32])
  func late(count: Int) throws {
    let rounds = 300
    let pool = try WorkerPool(count: count) { _ in }
    defer { pool.stop() }
    let sum = Counters(1)
    let wrong = Counters(count)
    let barrier = pool.barrier
    pool.run { worker in
      for round in 0..<rounds {
        // Alone between two barriers: no other worker may be there. The others sleep meanwhile.
        if round % count == worker {
          for _ in 0..<2000 { sum.values[0] += 1 }
        }
        barrier.wait()
        if sum.values[0] != 2000 * (round + 1) { wrong.values[worker] += 1 }
        barrier.wait()
      }
    }
    #expect(wrong.values.allSatisfy { $0 == 0 })
  }

  @Test("A pool starts, runs jobs and stops, many times", arguments: [1, 2, 5])
  func startAndStop(count: Int) throws {
    for _ in 0..<100 {
      let prepared = Counters(count)
      let done = Counters(count)
      let pool = try WorkerPool(count: count) { prepared.values[$0] += 1 }
      #expect(prepared.values.allSatisfy { $0 == 1 })
      for job in 1...5 {
        pool.run { done.values[$0] += job }
        #expect(done.values.allSatisfy { $0 == job * (job + 1) / 2 })
      }
      pool.stop()
      pool.stop()
    }
  }

  @Test("A pool without a job stops")
  func unused() throws {
    for count in 1...8 { try WorkerPool(count: count) { _ in }.stop() }
  }
}
