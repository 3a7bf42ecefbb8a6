import Configuration
import Emulator
import FineTuning
import GPTJ
import Program
import Testing

/// Two updates of a tiny model with odd sizes and four layers, on one rank and in stages.
@Suite("Stages leave loss and gradients as they are")
struct PipelineTests {
  struct Plan: Sendable, CustomTestStringConvertible {
    let tensor, data, stages: Int

    var testDescription: String { "TP \(tensor) x DP \(data) x PP \(stages)" }
  }

  static let plans = [1, 2, 4].flatMap { stages in
    [(1, 1), (4, 1), (1, 2), (2, 2)].map { Plan(tensor: $0.0, data: $0.1, stages: stages) }
  }

  static func configuration(_ plan: Plan, dropout: Double = 0) -> FineTuningConfiguration {
    let mesh = WhatIfTests.Mesh(tensor: plan.tensor, data: plan.data)
    var configuration = WhatIfTests.configuration(mesh, dropout: dropout)
    configuration.model.layers = 4
    configuration.execution.pipelineParallel = plan.stages
    return configuration
  }

  private func compare(
    _ name: String, _ found: WhatIfTests.Outcome, _ expected: WhatIfTests.Outcome,
    _ tolerance: WhatIfTests.Tolerance = .init([])
  ) {
    for (one, other) in zip(found.losses + found.norms, expected.losses + expected.norms) {
      #expect(abs(one - other) < 2 * tolerance.loss * other, "\(name): \(one), not \(other)")
    }
    #expect(found.gradients.map(\.name) == expected.gradients.map(\.name))
    for (one, other) in zip(found.gradients, expected.gradients) {
      let error = relativeError(one.values, other.values)
      #expect(error < tolerance.gradient, "\(name): \(one.name) is off by \(error)")
    }
    for (one, other) in zip(found.weights, expected.weights) {
      let error = zip(one.values, other.values).reduce(0) { $0 + Double(abs($1.0 - $1.1)) }
      #expect(
        error / Double(one.values.count) < tolerance.update * 2e-3, "\(name): \(one.name)")
    }
  }

  @Test(
    "Every recomputation and what-if, and every legal pair, has the unsharded loss and gradients",
    arguments: plans, [0, 0.2])
  func whatIfs(plan: Plan, dropout: Double) throws {
    let alone = Plan(tensor: 1, data: 1, stages: 1)
    let expected = try WhatIfTests.Outcome(Self.configuration(alone, dropout: dropout))
    let base = Self.configuration(plan, dropout: dropout)
    compare("base", try WhatIfTests.Outcome(base), expected)
    guard plan.stages > 1 else { return }
    for whatIfs in WhatIf.combinations(pairs: plan.tensor == 2 && dropout == 0) {
      guard let changed = try? WhatIf.applied(whatIfs, to: base) else { continue }
      compare(
        whatIfs.map(\.name).joined(separator: " + "), try WhatIfTests.Outcome(changed), expected,
        WhatIfTests.Tolerance(whatIfs))
    }
  }

  @Test(
    "More stages than micro-batches, and a micro-batch of the whole batch", arguments: [1, 2, 8])
  func fewMicroBatches(size: Int) throws {
    let expected = try WhatIfTests.Outcome(
      Self.configuration(Plan(tensor: 1, data: 1, stages: 1)))
    var few = Self.configuration(Plan(tensor: 2, data: 1, stages: 4))
    few.execution.microBatchSize = size
    compare("micro-batch \(size)", try WhatIfTests.Outcome(few), expected)
  }

  @Test("Adapters are trained alike in stages", arguments: [2, 4])
  func adapters(stages: Int) throws {
    func outcome(_ plan: Plan) throws -> WhatIfTests.Outcome {
      var configuration = Self.configuration(plan)
      configuration.lora.rank = 4
      return try WhatIfTests.Outcome(configuration)
    }
    for (tensor, data) in [(1, 1), (2, 2)] {
      compare(
        "adapters", try outcome(Plan(tensor: tensor, data: data, stages: stages)),
        try outcome(Plan(tensor: tensor, data: data, stages: 1)))
    }
  }

  @Test("Weights written at one number of stages are read at another")
  func transfer() throws {
    let one = try Trainer(
      Self.configuration(Plan(tensor: 2, data: 1, stages: 1)), Emulator.Options(workers: 1))
    one.initialize(RandomWeights(seed: 5))
    let values = Dictionary(
      uniqueKeysWithValues: one.transfer.read(from: one.emulator).map { ($0.name, $0.values) })
    for plan in Self.plans where plan.stages > 1 {
      let other = try Trainer(Self.configuration(plan), Emulator.Options(workers: 1))
      other.transfer.write(to: other.emulator) { values[$0] ?? [] }
      for weight in other.transfer.read(from: other.emulator) {
        #expect(weight.values == values[weight.name], "\(plan.testDescription): \(weight.name)")
      }
      #expect(
        other.transfer.values(of: "transformer.h.3.mlp.fc_in.weight", from: other.emulator)
          == values["transformer.h.3.mlp.fc_in.weight"])
    }
  }

  @Test("Transfers beside arithmetic are refused in stages, with the legal mode")
  func refusal() {
    let base = Self.configuration(Plan(tensor: 1, data: 1, stages: 2))
    #expect {
      _ = try WhatIf.applied([.overlappedIO], to: base)
    } throws: {
      $0 is WhatIf.Refusal && "\($0)".contains("expected io")
    }
  }
}
