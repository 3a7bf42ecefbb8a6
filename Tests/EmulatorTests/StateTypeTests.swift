import Emulator
import GPTJ
import Program
import Testing

@Suite("Gradients and moments that rest in bfloat16")
struct StateTypeTests {
  private static func step(
    _ tensor: Int, _ data: Int, _ type: ElementType, state: Bool, workers: Int = 2,
    shares: Bool = true, recompute: ParallelPlan.Recompute = .full, stages: Int = 1
  ) throws -> TinyStep {
    try TinyStep(
      tensorParallel: tensor, dataParallel: data, recompute: recompute, workers: workers,
      sharesReplicas: shares, elementType: type
    ) {
      $0.rewrites.storesStateAsBFloat16 = state
      $0.pipelineParallel = stages
    }
  }

  @Test("state what they execute and skip", arguments: [(1, 1), (4, 2)], [true, false])
  func conservation(plan: (tensor: Int, data: Int), shares: Bool) throws {
    let step = try Self.step(plan.tensor, plan.data, .bfloat16, state: true, shares: shares)
    #expect(miscounts(step.program, step.run().phases) == [])
  }

  @Test(
    "have bits that depend neither on workers nor on recomputation nor on sharing",
    arguments: [(1, 1), (4, 2), (8, 1)], [ElementType.float32, .bfloat16])
  func sameBits(plan: (tensor: Int, data: Int), type: ElementType) throws {
    let reference = try Self.step(plan.tensor, plan.data, type, state: true, workers: 1)
      .train(steps: 3)
    for workers in [2, 5] {
      let bits = try Self.step(plan.tensor, plan.data, type, state: true, workers: workers)
        .train(steps: 3)
      #expect(bits == reference)
    }
    let others = [
      try Self.step(plan.tensor, plan.data, type, state: true, shares: false),
      try Self.step(plan.tensor, plan.data, type, state: true, recompute: .none),
    ]
    for other in others { #expect(other.train(steps: 3) == reference) }
  }

  @Test(
    "train as those in float32 do, to what rounding makes of them",
    arguments: [(1, 1, 1), (4, 2, 1), (2, 1, 2)], [ElementType.float32, .bfloat16])
  func losses(plan: (tensor: Int, data: Int, stages: Int), type: ElementType) throws {
    let (exact, rounded) = (
      try Self.step(plan.tensor, plan.data, type, state: false, stages: plan.stages)
        .losses(steps: 8),
      try Self.step(plan.tensor, plan.data, type, state: true, stages: plan.stages)
        .losses(steps: 8)
    )
    #expect(rounded[0] == exact[0])
    #expect(exact[7] < exact[0] - 0.05)
    for (one, other) in zip(rounded, exact) { #expect(abs(one / other - 1) < 0.003) }
    #expect(rounded != exact)
  }

  @Test("take a third of the bytes that gradients and moments of float32 take less")
  func bytes() throws {
    func bytes(_ state: Bool) throws -> Int {
      let program = try Self.step(2, 1, .bfloat16, state: state).program
      return program.tensors.filter { $0.space == .streaming }.reduce(0) {
        $0 + $1.bytes * $1.instanceCount
      }
    }
    let parameters = TinyStep.model.parameterCount
    // Two bytes instead of four, of each of three values; padding of vocabularies beside them.
    let saved = Double(try bytes(false) - bytes(true)) * 2 / Double(6 * parameters)
    #expect(saved > 1 && saved < 1.1)
  }

  /// With a rate of change of 1/1000 a bfloat16 that is rounded to the nearest stands still.
  @Test("keep a second moment that follows the gradients' squares")
  func secondMoment() throws {
    func meanMoment(_ state: Bool) throws -> Double {
      let step = try Self.step(1, 1, .float32, state: state)
      _ = step.train(steps: 40)
      let id = try #require(step.program.tensor(named: "head.weight.second_moment"))
      let memory = step.emulator.memory(of: id, rank: 0)
      let values =
        state
        ? memory.bindMemory(to: UInt16.self).map { Float(bitPattern: UInt32($0) << 16) }
        : Array(memory.bindMemory(to: Float.self))
      return values.reduce(0) { $0 + Double($1) } / Double(values.count)
    }
    let (exact, rounded) = (try meanMoment(false), try meanMoment(true))
    #expect(abs(rounded / exact - 1) < 0.02)
  }
}
