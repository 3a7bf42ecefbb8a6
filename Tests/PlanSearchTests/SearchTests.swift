import CostModel
import GPTJ
import PlanSearch
import Program
import Testing
import Topology

@Suite("The search finds what a full estimate of every plan finds")
struct SearchTests {
  private static let large = GPTJModel(
    layers: 28, hiddenSize: 4096, heads: 16, vocabularySize: 50400, sequenceLength: 1024,
    rotarySize: 64)
  private static let small = GPTJModel(
    layers: 3, hiddenSize: 768, heads: 12, vocabularySize: 50257, sequenceLength: 300,
    rotarySize: 32)

  private func space(
    _ globalBatchSize: Int, _ sizes: [Int], closing: Bool = false, chunks: Int = 1
  ) -> PlanSpace {
    var space = PlanSpace(globalBatchSize: globalBatchSize)
    space.microBatchSizes = sizes
    space.variesStep = true
    space.step = ParallelPlan(
      tensorParallel: 1, dataParallel: 1, microBatchSize: 1, gradientAccumulation: 1,
      recomputeClosingCollectives: closing, attentionSerialisation: 2, headSerialisation: chunks)
    return space
  }

  @Test(
    "Times of parts add up to those of whole Programs",
    arguments: [("pod4", 12, [1, 3], true, 4), ("pod16", 48, [1, 2], false, 1)])
  func parts(pod: String, batch: Int, sizes: [Int], closing: Bool, chunks: Int) throws {
    for model in [Self.large, Self.small] {
      let estimator = PlanEstimator(
        try PodTopology.named(pod), model: model,
        dropout: TrainingStep.Dropout(probability: 0.1, seed: 1))
      let search = estimator.search(space(batch, sizes, closing: closing, chunks: chunks), best: 1)
      #expect(search.timed.count > 100 && search.programs < search.timed.count)
      for found in search.timed {
        let whole = try estimator.step(found.plan).time
        for (part, other) in zip(found.time.parts, whole.parts) {
          #expect(
            abs(part.seconds - other.seconds) <= 1e-12 * whole.total,
            "\(part.name) of \(found.plan)")
        }
      }
    }
  }

  @Test("Chunks of the head that do not divide a micro-batch are refused, and no others")
  func chunks() throws {
    let estimator = PlanEstimator(try PodTopology.named("pod4"), model: Self.small)
    let search = estimator.search(space(12, [1, 2], chunks: 8), best: 1)
    // 300 tokens are no multiple of 8, 600 are.
    #expect(!search.timed.isEmpty && search.timed.allSatisfy { $0.plan.microBatchSize == 2 })
    let refused = search.illegal.filter { $0.microBatchSize == 1 && $0.tensorParallel == 1 }
    #expect(refused.first?.reason == .headDoesNotDivide(tokens: 300, headSerialisation: 8))
  }

  @Test(
    "The best that fit are those of brute force",
    arguments: [("pod4", 16, [1, 2]), ("pod16", 32, [1, 8])])
  func bruteForce(pod: String, batch: Int, sizes: [Int]) throws {
    for model in [Self.large, Self.small] {
      let estimator = PlanEstimator(try PodTopology.named(pod), model: model)
      let space = space(batch, sizes)
      let all = estimator.ranking(space)
      let search = estimator.search(space, best: 10)
      #expect(search.timed.count == all.legal.count)
      #expect(search.illegal == all.illegal)
      let fitting = all.legal.filter(\.memory.fits)
      #expect(search.best.count == min(10, fitting.count))
      for (found, expected) in zip(search.best, fitting) {
        #expect(abs(found.step.seconds / expected.step.seconds - 1) < 1e-9)
        #expect(found.memory.fits)
      }
      let last = search.best.last?.step.seconds ?? .infinity
      #expect(
        search.unfit.allSatisfy { !$0.memory.fits && $0.timed.time.total <= last * (1 + 1e-9) })
    }
  }

  @Test("Every plan of a space is another one, legal, and no step of it is left out")
  func distinct() throws {
    let estimator = PlanEstimator(try PodTopology.named("pod4"), model: Self.large)
    let search = estimator.search(space(12, [1]), best: 0)
    let plans = search.timed.map(\.plan)
    for (index, plan) in plans.enumerated() {
      #expect(plan.illegality(for: Self.large) == nil && plan.globalBatchSize == 12)
      #expect(!plans[..<index].contains(plan))
    }
    // TP 4 x DP 1 has 4 kinds of recomputation, 3 x 2 x ... : fused or not, sharded rows or not,
    // overlapping or not; TP 1 x DP 4, with 3 micro-batches, 3 kinds of state sharding instead.
    #expect(plans.count { $0.tensorParallel == 4 } == 4 * 2 * 2 * 2)
    #expect(plans.count { $0.tensorParallel == 1 && $0.dataParallel == 4 } == 4 * 3 * 2)
    #expect(plans.count { $0.tensorParallel == 2 && $0.dataParallel == 2 } == 4 * 2 * 2 * 3 * 2)
  }
}

@Suite("Plans are set against each other")
struct ComparisonTests {
  private static let model = GPTJModel(
    layers: 4, hiddenSize: 768, heads: 12, vocabularySize: 50257, sequenceLength: 256,
    rotarySize: 32)

  private func estimator() throws -> PlanEstimator {
    PlanEstimator(try PodTopology.named("pod16"), model: Self.model)
  }

  @Test("The front is what nothing beats, and everything else is beaten by one of it")
  func pareto() throws {
    let estimator = try estimator()
    var space = PlanSpace(globalBatchSize: 32)
    space.microBatchSizes = [1, 4]
    space.variesStep = true
    let all = estimator.ranking(space).legal.filter(\.memory.fits)
    let front = estimator.paretoFront(of: all)
    func costs(_ entry: PlanRanking.Entry) -> [Double] {
      [
        entry.step.seconds, entry.dollars(steps: 1, on: estimator),
        Double(entry.memory.sramPeakBytesPerIPU), Double(entry.memory.streamingPeakBytesPerIPU),
      ]
    }
    func beats(_ one: PlanRanking.Entry, _ other: PlanRanking.Entry) -> Bool {
      let pairs = zip(costs(one), costs(other))
      return pairs.allSatisfy { $0 <= $1 * (1 + 1e-12) } && costs(one) != costs(other)
    }
    #expect(front.count > 1 && front.count < all.count)
    for entry in all {
      let isBeaten = front.contains { beats($0, entry) || costs($0) == costs(entry) }
      #expect(isBeaten)
    }
    #expect(front.first?.plan == all.first?.plan)
  }

  @Test("Half the link bandwidth costs what waits for links, half the price half the dollars")
  func sensitivity() throws {
    let estimator = try estimator()
    var space = PlanSpace(globalBatchSize: 32)
    space.microBatchSizes = [1]
    (space.tensorParallel, space.dataParallel) = (4, 4)
    let base = try #require(estimator.search(space, best: 1).best.first)
    let changes = estimator.sensitivity(in: space)
    #expect(changes.count == 6)
    for change in changes {
      let best = try #require(change.best)
      switch change.figure {
      case .links, .streaming:
        #expect((best.step.seconds > base.step.seconds) == (change.factor < 1))
      case .price:
        #expect(best.step.seconds == base.step.seconds)
        #expect(
          change.topology.pricePerHourUSD == change.factor * estimator.topology.pricePerHourUSD)
      }
    }
  }

  @Test("Dollars are those of the IPUs that a plan has, for the steps it takes")
  func dollars() throws {
    let estimator = try estimator()
    let plan = try ParallelPlan.spread(
      32, over: 2, tensorParallel: 4, microBatchSize: 2, model: Self.model)
    let entry = try estimator.entry(plan)
    let hours = 100 * entry.step.seconds / 3600
    let expected = hours * estimator.topology.pricePerHourUSD * 8 / 16
    #expect(abs(entry.dollars(steps: 100, on: estimator) - expected) < 1e-9 * expected)
    let perToken = entry.dollars(steps: 1, on: estimator) / Double(32 * 256)
    #expect(abs(entry.dollarsPerBillionTokens(on: estimator) / perToken - 1e9) < 1)
  }
}
