import Configuration
import Datasets
import Emulator
import FineTuning
import GPTJ
import Testing

@testable import PlanSearch

/// Every plan that a search goes through, trained; every other one, refused as the search refuses it.
@Suite("A search's legal plans all train alike, and the emulator refuses its illegal ones")
struct PlanSpaceTests {
  /// Eight IPUs: widths, heads and lengths that some splits divide and others do not.
  private static let ipus = 8

  private static func configuration() -> FineTuningConfiguration {
    PipelineTests.configuration(.init(tensor: 1, data: 1, stages: 1))
  }

  private static var space: PlanSpace {
    var space = PlanSpace(globalBatchSize: configuration().training.globalBatchSize)
    space.variesStep = true
    return space
  }

  private static let model = GPTJModel(configuration().model)

  private static func plans() -> (legal: [ParallelPlan], refused: [PlanRanking.Refusal]) {
    var plans: (legal: [ParallelPlan], refused: [PlanRanking.Refusal]) = ([], [])
    space.forEachPlan(of: model, ipus: ipus) {
      plans.legal.append($0)
    } refuse: {
      plans.refused.append($0)
    }
    return plans
  }

  /// The configuration that asks for this plan.
  private static func configuration(_ plan: ParallelPlan) throws -> FineTuningConfiguration {
    var configuration = configuration()
    configuration.execution.tensorParallel = plan.tensorParallel
    configuration.execution.dataParallel = plan.dataParallel
    configuration.execution.pipelineParallel = plan.pipelineParallel
    configuration.execution.microBatchSize = plan.microBatchSize
    configuration.execution.recompute = try #require(.init(rawValue: plan.recompute.rawValue))
    configuration.execution.fuseAllReduces = plan.rewrites.fusesAllReduces
    configuration.execution.sequenceSharding = plan.rewrites.shardsSequence
    configuration.execution.ioMode = plan.rewrites.overlapsIO ? .overlapped : .io
    configuration.execution.stateSharding = try #require(
      .init(rawValue: plan.rewrites.stateSharding.rawValue))
    return configuration
  }

  private struct Split: Hashable {
    let tensor, data, stages, microBatch: Int
  }

  @Test("Splits of every axis are there, legal and not")
  func extent() {
    let (legal, refused) = Self.plans()
    #expect(Set(legal.map(\.tensorParallel)) == [1, 2, 3, 4, 6])
    #expect(Set(legal.map(\.dataParallel)) == [1, 2, 4, 8])
    #expect(Set(legal.map(\.pipelineParallel)) == [1, 2, 4])
    #expect(Set(legal.map(\.microBatchSize)) == [1, 2, 4, 8])
    #expect(Set(legal.map(\.recompute)).count == ParallelPlan.Recompute.allCases.count)
    // Fused or not, rows shared or not, three ways to share state, overlapped or not.
    #expect(Set(legal.map(\.rewrites)).count == 24)
    #expect(legal.count > 1000 && refused.count > 50)
  }

  @Test("Every legal plan has the unsharded loss and gradient norm", arguments: [1, 2, 3, 4, 6])
  func legal(tensorParallel: Int) throws {
    let expected = try Step(Self.configuration())
    let plans = Self.plans().legal.filter { $0.tensorParallel == tensorParallel }
    #expect(!plans.isEmpty)
    for plan in plans {
      let configuration = try Self.configuration(plan)
      #expect(try ParallelPlan(configuration) == plan)
      let found = try Step(configuration)
      #expect(
        abs(found.loss / expected.loss - 1) < 1e-5 && abs(found.norm / expected.norm - 1) < 1e-5,
        "\(plan): \(found), not \(expected)")
    }
  }

  @Test("Every refused split is refused for the same reason when it shall run")
  func refused() throws {
    for refusal in Self.plans().refused {
      for stages in [1, 2, 4]
      where refusal.tensorParallel * refusal.dataParallel * stages <= Self.ipus {
        var configuration = Self.configuration()
        configuration.execution.tensorParallel = refusal.tensorParallel
        configuration.execution.dataParallel = refusal.dataParallel
        configuration.execution.pipelineParallel = stages
        configuration.execution.microBatchSize = refusal.microBatchSize
        #expect(throws: refusal.reason) {
          _ = try Trainer(configuration, Emulator.Options(workers: 1))
        }
      }
    }
  }

  /// A search leaves a step out where it is illegal for its split, or where it changes nothing.
  @Test("Whatever step a legal split is left without is refused, or another step's twin")
  func leftOut() throws {
    let legal = Self.plans().legal
    let visited = Set(legal)
    let expected = try Step(Self.configuration())
    var (illegal, twins) = (0, 0)
    var splits: Set<Split> = []
    for first in legal where splits.insert(Self.split(first)).inserted {
      for plan in Self.steps(of: first) where !visited.contains(plan) {
        let configuration = try Self.configuration(plan)
        if let reason = plan.illegality(for: Self.model) {
          illegal += 1
          #expect(throws: reason) { _ = try Trainer(configuration, Emulator.Options(workers: 1)) }
        } else if twins < 200 {
          twins += 1
          let found = try Step(configuration)
          #expect(abs(found.loss / expected.loss - 1) < 1e-5, "\(plan): \(found)")
        }
      }
    }
    #expect(illegal > 100 && twins > 100)
  }

  private static func split(_ plan: ParallelPlan) -> Split {
    Split(
      tensor: plan.tensorParallel, data: plan.dataParallel, stages: plan.pipelineParallel,
      microBatch: plan.microBatchSize)
  }

  /// Every step of a plan's split, legal or not.
  private static func steps(of plan: ParallelPlan) -> [ParallelPlan] {
    ParallelPlan.Recompute.allCases.flatMap { recompute in
      [false, true].flatMap { fuses in
        [false, true].flatMap { shards in
          [false, true].flatMap { overlaps in
            ParallelPlan.StateSharding.allCases.map { sharding in
              var plan = plan
              plan.recompute = recompute
              plan.rewrites.fusesAllReduces = fuses
              plan.rewrites.shardsSequence = shards
              plan.rewrites.overlapsIO = overlaps
              plan.rewrites.stateSharding = sharding
              return plan
            }
          }
        }
      }
    }
  }

  /// One update of a plan.
  private struct Step {
    let loss, norm: Double

    init(_ configuration: FineTuningConfiguration) throws {
      let trainer = try Trainer(configuration, Emulator.Options(workers: 1))
      trainer.initialize(RandomWeights(seed: 3, standardDeviation: 0.2))
      let tokens = 0..<8 * 20
      let update = try trainer.update(
        on: Batch(
          ids: tokens.map { Int32(($0 * 31 + $0 / 7) % 101) },
          labels: tokens.map { Int32(($0 * 17 + 3) % 101) }))
      (loss, norm) = (update.loss, update.gradientNorm)
    }
  }
}
