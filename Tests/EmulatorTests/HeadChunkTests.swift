import Emulator
import GPTJ
import Program
import Testing

@Suite("The design's invariants hold with the head in chunks of rows")
struct HeadChunkTests {
  struct Plan: Sendable, CustomTestStringConvertible {
    var tensor = 1
    var data = 1
    var stages = 1
    var chunks: Int
    var type = ElementType.float32
    var shares = true
    var shardsSequence = false

    var testDescription: String {
      "TP \(tensor) x DP \(data) x PP \(stages), \(chunks) chunks, \(type), shares \(shares), "
        + "sequence \(shardsSequence)"
    }

    func step(
      workers: Int = 2, shares: Bool? = nil, recompute: ParallelPlan.Recompute = .full,
      model: GPTJModel = HeadChunkTests.model
    ) throws -> TinyStep {
      try TinyStep(
        tensorParallel: tensor, dataParallel: data, recompute: recompute, workers: workers,
        sharesReplicas: shares ?? self.shares, model: model, elementType: type
      ) { plan in
        plan.pipelineParallel = stages
        plan.headSerialisation = chunks
        plan.rewrites.shardsSequence = shardsSequence
      }
    }
  }

  /// 40 tokens of a micro-batch.
  static let model = GPTJModel(
    layers: 2, hiddenSize: 48, heads: 8, vocabularySize: 101, sequenceLength: 20, rotarySize: 4)

  static let plans = [
    Plan(chunks: 2), Plan(chunks: 5, shares: false), Plan(chunks: 40),
    Plan(tensor: 4, data: 2, chunks: 8), Plan(tensor: 8, chunks: 4, shardsSequence: true),
    Plan(tensor: 2, data: 2, stages: 2, chunks: 4), Plan(tensor: 2, chunks: 8, type: .bfloat16),
    Plan(tensor: 2, data: 2, chunks: 5, shares: false),
  ]

  @Test(
    "Conservation: what the Program states is what was executed plus what was knowingly skipped",
    arguments: plans)
  func conservation(plan: Plan) throws {
    let step = try plan.step()
    #expect(miscounts(step.program, step.run().phases) == [])
  }

  @Test("The bits depend neither on workers nor on sharing nor on recomputation", arguments: plans)
  func sameBits(plan: Plan) throws {
    let reference = try plan.step(workers: 1).train(steps: 2)
    #expect(Set(reference).count > 1000)
    #expect((try plan.step(workers: 5).train(steps: 2) == reference) == true)
    #expect((try plan.step(shares: !plan.shares).train(steps: 2) == reference) == true)
    #expect((try plan.step(recompute: .none).train(steps: 2) == reference) == true)
  }

  @Test("Chunks do the work of the whole, to the FLOP and byte, in more calls", arguments: plans)
  func sameWork(plan: Plan) throws {
    var whole = plan
    whole.chunks = 1
    let (one, many) = (try whole.step().program.work, try plan.step().program.work)
    #expect(one.flops == many.flops && one.elements == many.elements)
    #expect(one.loadBytes == many.loadBytes && one.storeBytes == many.storeBytes)
    #expect(one.hostBytes == many.hostBytes)
    for kind in Operation.Collective.allCases {
      #expect(one.collectives.bytes(kind) == many.collectives.bytes(kind), "\(kind)")
    }
    func calls(_ work: Work) -> Int { work.collectives.calls(.allReduceMax, .tensor) }
    #expect(calls(many) == calls(one) * plan.chunks)
  }

  @Test("Of the logits only one chunk is kept", arguments: [1, 4], [2, 8])
  func memory(tensor: Int, chunks: Int) throws {
    var model = Self.model
    model.vocabularySize = 4001
    func step(_ chunks: Int) throws -> TinyStep {
      // Where ranks share nothing every tensor has memory of its own, so that bytes can be counted.
      try Plan(tensor: tensor, chunks: chunks).step(shares: false, model: model)
    }
    let (one, many) = (try step(1), try step(chunks))
    let tokens = 2 * model.sequenceLength
    // Every rank's shard is rounded up to whole columns.
    let columns = tensor * model.vocabularySize.shard(of: tensor)
    for tensor in many.program.tensors where tensor.space == .sram && tensor.rows == tokens {
      #expect(tensor.columns < 4 * model.hiddenSize + 1, "\(tensor.name) \(tensor.shape)")
    }
    let saved = (tokens - tokens / chunks) * columns * 4
    // A chunk's rows are copied out and in, for every rank: less than six residual streams.
    let copies = 6 * tokens * model.hiddenSize * 4 * tensor
    let fell = one.emulator.bytes - many.emulator.bytes
    #expect(fell <= saved + 4096 * tensor && fell >= saved - copies - 4096 * tensor)
  }
}
