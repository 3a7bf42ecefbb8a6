import Configuration
import GPTJ
import Testing

/// Two updates of a tiny model whose micro-batches of 40 tokens lack labels: here and there, in whole
/// chunks, and one of them everywhere.
@Suite("The head in chunks of rows has the loss and gradients of the whole")
struct HeadSerialisationTests {
  struct Plan: Sendable, CustomTestStringConvertible {
    let tensor, data, stages: Int

    var testDescription: String { "TP \(tensor) x DP \(data) x PP \(stages)" }
  }

  static let plans = [
    Plan(tensor: 1, data: 1, stages: 1), Plan(tensor: 2, data: 1, stages: 1),
    Plan(tensor: 4, data: 2, stages: 1), Plan(tensor: 1, data: 2, stages: 2),
    Plan(tensor: 2, data: 2, stages: 2),
  ]

  private static func label(_ token: Int, _ step: Int) -> Int32 {
    let place = token % 40
    let isLabelled = !(10..<20).contains(place) && place % 7 != 3 && token / 40 != 2
    return isLabelled ? Int32((token * 17 + step * 29 + 3) % 101) : -100
  }

  private static func outcome(
    _ plan: Plan, chunks: Int, _ change: (inout FineTuningConfiguration) -> Void = { _ in }
  ) throws -> WhatIfTests.Outcome {
    var configuration = WhatIfTests.configuration(
      WhatIfTests.Mesh(tensor: plan.tensor, data: plan.data))
    configuration.execution.microBatchSize = 2
    configuration.execution.pipelineParallel = plan.stages
    configuration.execution.headSerialisation = chunks
    change(&configuration)
    return try WhatIfTests.Outcome(configuration, labels: label)
  }

  /// The largest error of losses and norms, and of the last step's gradients.
  private func errors(
    _ found: WhatIfTests.Outcome, _ expected: WhatIfTests.Outcome
  ) -> (loss: Double, gradient: Double) {
    #expect(found.gradients.map(\.name) == expected.gradients.map(\.name))
    let numbers = zip(found.losses + found.norms, expected.losses + expected.norms)
    return (
      numbers.map { abs($0 / $1 - 1) }.max() ?? 1,
      zip(found.gradients, expected.gradients).map { relativeError($0.values, $1.values) }.max()
        ?? 1
    )
  }

  /// Chunks differ from the whole in the order of the weight gradient's sums, and in how a library
  /// blocks products of fewer rows: some last places of a float32.
  @Test("To some last places, and to the unsharded step", arguments: plans, [2, 4, 5, 40])
  func float32(plan: Plan, chunks: Int) throws {
    let found = try Self.outcome(plan, chunks: chunks)
    let whole = errors(found, try Self.outcome(plan, chunks: 1))
    #expect(whole.loss < 1e-6 && whole.gradient < 2e-6, "\(whole)")
    let unsharded = errors(found, try Self.outcome(Self.plans[0], chunks: 1))
    #expect(unsharded.loss < 2e-5 && unsharded.gradient < 1e-5, "\(unsharded)")
  }

  @Test("In bfloat16, to its rounding", arguments: [plans[0], plans[2], plans[4]], [4, 40])
  func bfloat16(plan: Plan, chunks: Int) throws {
    func outcome(_ chunks: Int) throws -> WhatIfTests.Outcome {
      try Self.outcome(plan, chunks: chunks) { $0.model.precision = .bfloat16 }
    }
    let whole = errors(try outcome(chunks), try outcome(1))
    #expect(whole.loss < 1e-3 && whole.gradient < 1e-2, "\(whole)")
  }

  @Test(
    "With what-ifs, each beside the same without chunks",
    arguments: [plans[1], plans[2]])
  func whatIfs(plan: Plan) throws {
    for whatIf in WhatIf.combinations(pairs: false) {
      func outcome(_ chunks: Int) throws -> WhatIfTests.Outcome {
        try Self.outcome(plan, chunks: chunks) { configuration in
          guard let changed = try? WhatIf.applied(whatIf, to: configuration) else { return }
          configuration = changed
        }
      }
      let tolerance = WhatIfTests.Tolerance(whatIf)
      let whole = errors(try outcome(4), try outcome(1))
      let names = whatIf.map(\.name)
      #expect(
        whole.loss < tolerance.loss && whole.gradient < tolerance.gradient, "\(names) \(whole)")
    }
  }

  @Test("Adapters are trained alike")
  func adapters() throws {
    func outcome(_ chunks: Int) throws -> WhatIfTests.Outcome {
      try Self.outcome(Self.plans[2], chunks: chunks) { $0.lora.rank = 4 }
    }
    let whole = errors(try outcome(8), try outcome(1))
    #expect(whole.loss < 1e-6 && whole.gradient < 2e-6, "\(whole)")
  }
}
