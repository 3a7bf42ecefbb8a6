import Emulator
import GPTJ
import Program
import Testing

@Suite("Steps in bfloat16")
struct BFloat16Tests {
  @Test("state what they execute and skip", arguments: [(1, 1), (4, 2), (8, 1)], [true, false])
  func conservation(plan: (tensor: Int, data: Int), shares: Bool) throws {
    let step = try TinyStep(
      tensorParallel: plan.tensor, dataParallel: plan.data, recompute: .selective,
      sharesReplicas: shares, elementType: .bfloat16)
    #expect(miscounts(step.program, step.run().phases) == [])
  }

  @Test(
    "have bits that depend neither on workers nor on recomputation nor on sharing",
    arguments: [(1, 1), (4, 2), (8, 1)])
  func sameBits(plan: (tensor: Int, data: Int)) throws {
    func bits(
      workers: Int, recompute: ParallelPlan.Recompute = .full, shares: Bool = true
    ) throws -> [UInt16] {
      try TinyStep(
        tensorParallel: plan.tensor, dataParallel: plan.data, recompute: recompute,
        workers: workers, sharesReplicas: shares, elementType: .bfloat16
      ).train(steps: 3)
    }
    let reference = try bits(workers: 1)
    #expect(Set(reference).count > 1000)
    for workers in [2, 5] { #expect(try bits(workers: workers) == reference) }
    #expect(try bits(workers: 2, recompute: .none) == reference)
    #expect(try bits(workers: 2, shares: false) == reference)
  }

  @Test("keep what the optimizer adds: weights move where a bfloat16 alone would stand still")
  func master() throws {
    let step = try TinyStep(tensorParallel: 2, dataParallel: 1, elementType: .bfloat16)
    let before = step.train(steps: 1)
    let low = try #require(step.program.tensor(named: "head.weight.low"))
    let rest = step.emulator.memory(of: low, rank: 0).bindMemory(to: Int16.self)
    let first = Array(rest)
    #expect(first.contains { $0 != 0 })
    _ = step.train(steps: 1)
    #expect(Array(rest) != first)
    #expect(before.count > 1000)
  }
}

extension BFloat16Tests {
  @Test(
    "have the losses of float32, to what rounding makes of them",
    arguments: [(1, 1, 1), (4, 2, 1), (2, 1, 2), (8, 1, 2)])
  func losses(plan: (tensor: Int, data: Int, stages: Int)) throws {
    func losses(_ type: ElementType) throws -> [Float] {
      try TinyStep(
        tensorParallel: plan.tensor, dataParallel: plan.data, recompute: .selective,
        elementType: type
      ) { $0.pipelineParallel = plan.stages }.losses(steps: 4)
    }
    let (exact, rounded) = (try losses(.float32), try losses(.bfloat16))
    #expect(exact[3] < exact[0] - 0.02)
    for (one, other) in zip(rounded, exact) { #expect(abs(one / other - 1) < 0.01) }
  }
}
