import Configuration
import Emulator
import GPTJ
import Program
import Testing

@Suite("The design's invariants hold with what-ifs")
struct WhatIfTests {
  struct Plan: Sendable, CustomTestStringConvertible {
    var tensor: Int
    var data: Int
    var shares = true
    var drops = false

    var testDescription: String {
      "TP \(tensor) x DP \(data), shares \(shares), drops \(drops)"
    }
  }

  static let plans = [
    Plan(tensor: 1, data: 2), Plan(tensor: 2, data: 1), Plan(tensor: 4, data: 2),
    Plan(tensor: 2, data: 2, shares: false), Plan(tensor: 8, data: 1, drops: true),
  ]

  /// 40 tokens of a micro-batch: five rows each for 8 ranks.
  static let model = GPTJModel(
    layers: 2, hiddenSize: 48, heads: 8, vocabularySize: 101, sequenceLength: 20, rotarySize: 4)

  private func step(
    _ whatIfs: [WhatIf], _ plan: Plan, workers: Int = 2, shares: Bool? = nil
  ) throws -> TinyStep {
    try TinyStep(
      tensorParallel: plan.tensor, dataParallel: plan.data, workers: workers,
      sharesReplicas: shares ?? plan.shares, model: Self.model,
      dropout: plan.drops ? TrainingStep.Dropout(probability: 0.25, seed: 7) : nil
    ) { written in
      var execution = ExecutionConfiguration()
      for whatIf in whatIfs where whatIf != .largerMicroBatch { whatIf.apply(to: &execution) }
      written.follow(execution)
    }
  }

  @Test(
    "Conservation: what the Program states is what was executed plus what was knowingly skipped",
    arguments: plans)
  func conservation(plan: Plan) throws {
    for whatIfs in WhatIf.combinations(pairs: true) {
      let step = try step(whatIfs, plan)
      let found = miscounts(step.program, step.run().phases)
      #expect(found == [], "\(whatIfs)")
    }
  }

  @Test(
    "The bits depend neither on the number of workers nor on sharing",
    arguments: [Plan(tensor: 4, data: 2), Plan(tensor: 8, data: 1, drops: true)])
  func sameBits(plan: Plan) throws {
    for whatIf in WhatIf.allCases {
      let reference = try step([whatIf], plan, workers: 1).train(steps: 2)
      #expect(Set(reference).count > 1000)
      #expect(try step([whatIf], plan, workers: 5).train(steps: 2) == reference, "\(whatIf)")
      #expect(try step([whatIf], plan, shares: false).train(steps: 2) == reference, "\(whatIf)")
    }
  }

  @Test("Recomputing more or less, and overlapping, leave the bits as they are")
  func sameAsBase() throws {
    let plan = Plan(tensor: 4, data: 2)
    let reference = try step([], plan).train(steps: 2)
    for whatIf in [
      WhatIf.liveRecompute, .selectiveRecompute, .noRecompute, .overlappedIO, .singlePartials,
    ] {
      #expect(try step([whatIf], plan).train(steps: 2) == reference, "\(whatIf)")
    }
  }
}
