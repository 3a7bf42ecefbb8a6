import Emulator
import GPTJ
import Program
import Testing

@Suite("The design's invariants hold on the emulator")
struct InvariantTests {
  struct Plan: Sendable, CustomTestStringConvertible {
    var tensor: Int
    var data: Int
    var recompute = ParallelPlan.Recompute.full
    var closing = false
    var shares = true
    var drops = false

    var dropout: TrainingStep.Dropout? {
      drops ? TrainingStep.Dropout(probability: 0.25, seed: 7) : nil
    }

    var testDescription: String {
      "TP \(tensor) x DP \(data), recompute \(recompute), closing \(closing), shares \(shares), "
        + "drops \(drops)"
    }
  }

  static let plans = [
    Plan(tensor: 1, data: 1), Plan(tensor: 1, data: 1, recompute: .none),
    Plan(tensor: 2, data: 2), Plan(tensor: 8, data: 1, closing: true),
    Plan(tensor: 8, data: 1, recompute: .none), Plan(tensor: 4, data: 4),
    Plan(tensor: 8, data: 4, recompute: .none), Plan(tensor: 8, data: 1, shares: false),
    Plan(tensor: 4, data: 2, shares: false), Plan(tensor: 16, data: 4),
    Plan(tensor: 16, data: 4, recompute: .none, shares: false),
    Plan(tensor: 1, data: 1, drops: true), Plan(tensor: 4, data: 2, drops: true),
    Plan(tensor: 8, data: 4, recompute: .none, shares: false, drops: true),
  ]

  @Test(
    "Conservation: what the Program states is what was executed plus what was knowingly skipped",
    arguments: plans)
  func conservation(plan: Plan) throws {
    let step = try TinyStep(
      tensorParallel: plan.tensor, dataParallel: plan.data, recompute: plan.recompute,
      closingCollectives: plan.closing, sharesReplicas: plan.shares,
      model: plan.tensor > 8 ? TinyStep.wideModel : TinyStep.model, dropout: plan.dropout)
    let measured = step.run()
    #expect(miscounts(step.program, measured.phases) == [])
  }

  @Test("Nothing is skipped as a replica where every rank computes for itself")
  func faithful() throws {
    let measured = try TinyStep(tensorParallel: 4, dataParallel: 2, sharesReplicas: false).run()
    for phase in measured.phases {
      #expect(phase.skipped.loadBytes == 0 && phase.skipped.storeBytes == 0)
      #expect(phase.skipped.collectives == CollectiveTally())
    }
  }

  @Test(
    "The bits depend neither on the number of workers nor on recomputation nor on sharing",
    arguments: [
      Plan(tensor: 1, data: 1), Plan(tensor: 8, data: 1), Plan(tensor: 4, data: 2),
      Plan(tensor: 2, data: 4), Plan(tensor: 1, data: 1, drops: true),
      Plan(tensor: 4, data: 2, drops: true),
    ])
  func sameBits(plan: Plan) throws {
    func bits(
      workers: Int, recompute: ParallelPlan.Recompute = .full, closing: Bool = false,
      shares: Bool = true
    ) throws -> [UInt16] {
      try TinyStep(
        tensorParallel: plan.tensor, dataParallel: plan.data, recompute: recompute,
        closingCollectives: closing, workers: workers, sharesReplicas: shares,
        dropout: plan.dropout
      ).train(steps: 3)
    }
    let reference = try bits(workers: 1)
    #expect(Set(reference).count > 1000)
    for workers in [2, 3, 5, 16] { #expect(try bits(workers: workers) == reference) }
    #expect(try bits(workers: 2, recompute: .none) == reference)
    #expect(try bits(workers: 2, closing: true) == reference)
    #expect(try bits(workers: 2, shares: false) == reference)
  }

  @Test("Running a step twice from the same state gives the same bits")
  func deterministic() throws {
    let one = try TinyStep(tensorParallel: 8, dataParallel: 2).train(steps: 4)
    let two = try TinyStep(tensorParallel: 8, dataParallel: 2).train(steps: 4)
    #expect(one == two)
  }

  @Test("The times of all ranks add up to the workers' time")
  func times() throws {
    let measured = try TinyStep(tensorParallel: 8, dataParallel: 1).run()
    let total = measured.computeSeconds + measured.collectiveSeconds + measured.waitSeconds
    #expect(measured.ranks.count == 8)
    #expect(total <= measured.seconds * Double(measured.workers) * 1.0001)
    #expect(total > 0)
  }

  @Test("A cache of keys and values is float32: another is refused by name")
  func cachePrecision() throws {
    for (type, isRefused) in [(ElementType.float16, true), (.bfloat16, true), (.float32, false)] {
      let pass = InferencePass(
        model: TinyStep.model, tensorParallel: 2, microBatchSize: 2, elementType: type,
        cache: InferencePass.Cache(rows: 4, answers: 2, result: .logits))
      let program = try pass.program()
      func make() throws { _ = try Emulator(program, Emulator.Options(workers: 1)) }
      if isRefused {
        #expect { try make() } throws: { "\($0)".contains("\(type)") }
      } else {
        try make()
      }
    }
  }
}
