import Configuration
import Emulator
import GPTJ
import Program
import Testing

@Suite("The design's invariants hold with adapters")
struct LoRAInvariantTests {
  static let lora = LoRA(rank: 3, alpha: 5, targets: LoRA.Target.allCases)

  @Test(
    "Conservation: what the Program states is what was executed plus what was knowingly skipped",
    arguments: InvariantTests.plans, [false, true])
  func conservation(plan: InvariantTests.Plan, half: Bool) throws {
    var lora = Self.lora
    lora.storesFrozenAsBFloat16 = half
    let step = try TinyStep(
      tensorParallel: plan.tensor, dataParallel: plan.data, recompute: plan.recompute,
      closingCollectives: plan.closing, sharesReplicas: plan.shares,
      model: plan.tensor > 8 ? TinyStep.wideModel : TinyStep.model, lora: lora)
    #expect(miscounts(step.program, step.run().phases) == [])
  }

  @Test(
    "The bits depend neither on the number of workers nor on recomputation nor on sharing",
    arguments: [(1, 1), (8, 1), (4, 2), (2, 4)])
  func sameBits(plan: (tensor: Int, data: Int)) throws {
    func bits(
      workers: Int, recompute: ParallelPlan.Recompute = .full, closing: Bool = false,
      shares: Bool = true
    ) throws -> [UInt16] {
      try TinyStep(
        tensorParallel: plan.tensor, dataParallel: plan.data, recompute: recompute,
        closingCollectives: closing, workers: workers, sharesReplicas: shares, lora: Self.lora
      ).train(steps: 3)
    }
    let reference = try bits(workers: 1)
    #expect(Set(reference).count > 1000)
    for workers in [2, 3, 16] { #expect(try bits(workers: workers) == reference) }
    #expect(try bits(workers: 2, recompute: .none) == reference)
    #expect(try bits(workers: 2, closing: true) == reference)
    #expect(try bits(workers: 2, shares: false) == reference)
  }
}
