import Emulator
import GPTJ
@testable import Program
import Testing

@Suite("The design's invariants hold in a pipeline")
struct PipelineTests {
  struct Plan: Sendable, CustomTestStringConvertible {
    var tensor = 1
    var data = 1
    var stages: Int
    /// 8 sequences in micro-batches of so many.
    var microBatch = 1
    var recompute = ParallelPlan.Recompute.full
    var shares = true
    var drops = false
    var shardsSequence = false
    var sharding = ParallelPlan.StateSharding.all

    var dropout: TrainingStep.Dropout? {
      drops ? TrainingStep.Dropout(probability: 0.25, seed: 7) : nil
    }

    var testDescription: String {
      "TP \(tensor) x DP \(data) x PP \(stages), micro-batch \(microBatch), recompute \(recompute), "
        + "shares \(shares), drops \(drops), sequence \(shardsSequence), state \(sharding)"
    }

    func step(workers: Int = 2, shares: Bool? = nil) throws -> TinyStep {
      try TinyStep(
        tensorParallel: tensor, dataParallel: data, recompute: recompute, workers: workers,
        sharesReplicas: shares ?? self.shares, model: PipelineTests.model, dropout: dropout
      ) { plan in
        plan.pipelineParallel = stages
        plan.gradientAccumulation = plan.gradientAccumulation * plan.microBatchSize / microBatch
        plan.microBatchSize = microBatch
        plan.rewrites.shardsSequence = shardsSequence
        plan.rewrites.stateSharding = sharding
      }
    }
  }

  /// Four layers: up to four stages.
  static let model = GPTJModel(
    layers: 4, hiddenSize: 48, heads: 8, vocabularySize: 101, sequenceLength: 20, rotarySize: 4)

  static let plans = [
    Plan(stages: 2), Plan(stages: 4), Plan(stages: 4, microBatch: 4),
    Plan(stages: 2, microBatch: 8), Plan(stages: 2, recompute: .none),
    Plan(tensor: 2, data: 2, stages: 2), Plan(tensor: 4, stages: 4, recompute: .live),
    Plan(tensor: 2, data: 2, stages: 4, recompute: .selective, drops: true),
    Plan(tensor: 4, stages: 2, shares: false, shardsSequence: true),
    Plan(data: 2, stages: 2, shares: false, drops: true),
    Plan(tensor: 2, data: 2, stages: 2, shardsSequence: true, sharding: .optimizer),
    Plan(tensor: 2, data: 4, stages: 2, recompute: .none, sharding: .none),
    Plan(tensor: 2, data: 2, stages: 2, shares: false, sharding: .optimizer),
  ]

  @Test(
    "Conservation: what all stages state is what was executed plus what was knowingly skipped",
    arguments: plans)
  func conservation(plan: Plan) throws {
    let step = try plan.step()
    let measured = step.run()
    #expect(miscounts(step.program, measured.phases) == [])
    let sent = measured.executed.collectives.bytes(.send)
    #expect(sent > 0)
  }

  @Test("The bits depend neither on the number of workers nor on sharing", arguments: plans)
  func sameBits(plan: Plan) throws {
    let reference = try plan.step(workers: 1).train(steps: 2)
    #expect(Set(reference).count > 1000)
    for workers in [2, 5] {
      #expect(try plan.step(workers: workers).train(steps: 2) == reference)
    }
    #expect(try plan.step(shares: !plan.shares).train(steps: 2) == reference)
  }

  @Test("A stage that runs what it should not, or a turn more, is found")
  func planted() throws {
    let step = try Plan(tensor: 2, stages: 2).step()
    let phases = step.run().phases
    #expect(miscounts(step.program, phases) == [])
    for stages in StageSet.allCases {
      #expect(!miscounts(step.program.widening(stages), phases).isEmpty, "\(stages)")
    }
    let other = try Plan(tensor: 2, stages: 2, microBatch: 2).step()
    #expect(!miscounts(other.program, phases).isEmpty)
  }
}

extension Program {
  /// The Program with what is only for those stages run by all.
  fileprivate func widening(_ chosen: StageSet) -> Program {
    func wide(_ statements: [Statement]) -> [Statement] {
      statements.flatMap { statement -> [Statement] in
        switch statement {
        case .phase(let name, let inner): return [.phase(name, wide(inner))]
        case .loop(let loop, let inner): return [.loop(loop, wide(inner))]
        case .only(let stages, let inner):
          return stages == chosen ? wide(inner) : [.only(stages, wide(inner))]
        case .operation: return [statement]
        }
      }
    }
    return Program(name: name, mesh: mesh, tensors: tensors, body: wide(body))
  }
}
