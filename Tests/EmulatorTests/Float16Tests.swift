import Emulator
import GPTJ
import Program
import Testing

@Suite("Steps in float16")
struct Float16Tests {
  @Test("state what they execute and skip", arguments: [(1, 1), (4, 2), (8, 1)], [true, false])
  func conservation(plan: (tensor: Int, data: Int), shares: Bool) throws {
    let step = try TinyStep(
      tensorParallel: plan.tensor, dataParallel: plan.data, recompute: .selective,
      sharesReplicas: shares, elementType: .float16, lossScale: 4096)
    #expect(miscounts(step.program, step.run().phases) == [])
  }

  @Test(
    "have bits that depend neither on workers nor on recomputation nor on sharing",
    arguments: [(1, 1, 1), (4, 2, 1), (8, 1, 1), (2, 2, 2)],
    [ParallelPlan.StateSharding.all, .none])
  func sameBits(
    plan: (tensor: Int, data: Int, stages: Int), sharding: ParallelPlan.StateSharding
  ) throws {
    func bits(
      workers: Int, recompute: ParallelPlan.Recompute = .full, shares: Bool = true,
      roundsStochastically: Bool = true
    ) throws -> [UInt16] {
      try TinyStep(
        tensorParallel: plan.tensor, dataParallel: plan.data, recompute: recompute,
        workers: workers, sharesReplicas: shares, elementType: .float16, lossScale: 4096,
        roundsStochastically: roundsStochastically
      ) {
        $0.pipelineParallel = plan.stages
        $0.rewrites.stateSharding = sharding
      }.train(steps: 3)
    }
    let reference = try bits(workers: 1)
    #expect(Set(reference).count > 1000)
    for workers in [2, 5] { #expect((try bits(workers: workers) == reference) == true) }
    #expect((try bits(workers: 2, recompute: .none) == reference) == true)
    #expect((try bits(workers: 2, shares: false) == reference) == true)
    #expect((try bits(workers: 2, roundsStochastically: false) == reference) == false)
  }

  @Test(
    "have the losses of float32, to what rounding makes of them",
    arguments: [(1, 1, 1), (4, 2, 1), (2, 1, 2), (8, 1, 2)], [true, false])
  func losses(
    plan: (tensor: Int, data: Int, stages: Int), hasSinglePartials: Bool
  ) throws {
    let (exact, rounded) = (
      try losses(plan, .float32, hasSinglePartials), try losses(plan, .float16, hasSinglePartials)
    )
    #expect(exact[3] < exact[0] - 0.02)
    for (one, other) in zip(rounded, exact) { #expect(abs(one / other - 1) < 0.003) }
  }

  private func losses(
    _ plan: (tensor: Int, data: Int, stages: Int), _ type: ElementType, _ hasSinglePartials: Bool
  ) throws -> [Float] {
    try TinyStep(
      tensorParallel: plan.tensor, dataParallel: plan.data, recompute: .selective,
      elementType: type, lossScale: 1024
    ) {
      $0.pipelineParallel = plan.stages
      $0.rewrites.hasSinglePartials = hasSinglePartials
    }.losses(steps: 4)
  }

  @Test("have bits that do not depend on workers or sharing with adapters either")
  func adapters() throws {
    func bits(workers: Int, shares: Bool = true) throws -> [UInt16] {
      let step = try TinyStep(
        tensorParallel: 4, dataParallel: 2, workers: workers, sharesReplicas: shares,
        elementType: .float16, lossScale: 4096, lora: LoRAInvariantTests.lora)
      let bits = step.train(steps: 2)
      #expect(miscounts(step.program, step.run(step: 3).phases) == [])
      return bits
    }
    let reference = try bits(workers: 1)
    #expect((try bits(workers: 3) == reference) == true)
    #expect((try bits(workers: 2, shares: false) == reference) == true)
  }

  @Test("change nothing where a gradient overflows", arguments: [(1, 1), (4, 2)])
  func overflow(plan: (tensor: Int, data: Int)) throws {
    let step = try TinyStep(
      tensorParallel: plan.tensor, dataParallel: plan.data, elementType: .float16, lossScale: 4096)
    let norm = try #require(step.program.tensor(named: TrainingStep.HostTensor.gradientNorm))
    func gradientNorm() -> Float {
      step.emulator.memory(of: norm, rank: 0).bindMemory(to: Float.self)[0]
    }
    let before = step.train(steps: 1)
    let usual = gradientNorm()
    step.emulator.lossScaleFactor = 0x1p20
    let phases = step.run(step: 2).phases
    #expect(!gradientNorm().isFinite)
    #expect((step.weightBits() == before) == true)
    #expect(miscounts(step.program, phases) == [])
    step.emulator.lossScaleFactor = 0.5
    step.run(step: 2)
    #expect(gradientNorm().isFinite && gradientNorm() < 2 * usual)
    #expect((step.weightBits() == before) == false)
  }

  @Test("have the same gradient whatever the loss scale, but for rounding")
  func lossScales() throws {
    func gradientNorm(_ scale: Double, factor: Double) throws -> Float {
      let step = try TinyStep(
        tensorParallel: 2, dataParallel: 1, elementType: .float16, lossScale: scale)
      step.emulator.lossScaleFactor = factor
      step.run()
      let norm = try #require(step.program.tensor(named: TrainingStep.HostTensor.gradientNorm))
      return step.emulator.memory(of: norm, rank: 0).bindMemory(to: Float.self)[0]
    }
    let one = try gradientNorm(4096, factor: 1)
    #expect(one == (try gradientNorm(1024, factor: 4)))
    let other = try gradientNorm(64, factor: 1)
    #expect(abs(other / one - 1) < 1e-3 && other != one)
  }
}
