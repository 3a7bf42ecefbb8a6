import GPTJ
import Program
import Testing

@Suite("A step with stages is one Program for all of them")
struct PipelineTests {
  private func program(
    stages: Int, tensor: Int = 2, data: Int = 1, layers: Int = 12, batches: Int = 16,
    _ change: (inout ParallelPlan) -> Void = { _ in }
  ) throws -> Program {
    let model = GPTJModel(
      layers: layers, hiddenSize: 48, heads: 12, vocabularySize: 96, sequenceLength: 8,
      rotarySize: 4)
    var plan = ParallelPlan(
      tensorParallel: tensor, dataParallel: data, microBatchSize: 1, gradientAccumulation: batches,
      pipelineParallel: stages)
    change(&plan)
    let adamW = Operation.AdamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0)
    return try TrainingStep(
      model: model, plan: plan,
      optimizer: TrainingStep.Optimizer(adamW: adamW, gradientClipping: 1), elementType: .float32
    ).program()
  }

  private func statements(_ body: [Statement]) -> Int {
    body.reduce(0) { count, statement in
      switch statement {
      case .phase(_, let inner), .loop(_, let inner), .only(_, let inner):
        count + 1 + statements(inner)
      case .operation: count + 1
      }
    }
  }

  @Test("The number of statements does not grow with stages, layers or micro-batches")
  func size() throws {
    let count = statements(try program(stages: 2).body)
    #expect(count > 100)
    for other in [
      try program(stages: 12), try program(stages: 4, layers: 96),
      try program(stages: 2, batches: 512), try program(stages: 3, batches: 2),
    ] {
      #expect(statements(other.body) == count)
    }
  }

  @Test(
    "All stages together compute what a step without them does, with any recomputation",
    arguments: ParallelPlan.Recompute.allCases, [2, 3, 12])
  func arithmetic(recompute: ParallelPlan.Recompute, stages: Int) throws {
    func flops(_ stages: Int, batches: Int = 16) throws -> Int {
      try program(stages: stages, batches: batches) { $0.recompute = recompute }
        .workOfAllRanks.reduce(0) { $0 + $1.work.flops }
    }
    #expect(try flops(stages) == flops(1))
    #expect(try flops(stages, batches: 2) == flops(1, batches: 2))
  }

  @Test("Each boundary sends every micro-batch's activations there and their gradient back")
  func traffic() throws {
    for (stages, tensor, data, sharded) in [(2, 1, 1, false), (4, 2, 3, false), (3, 4, 2, true)] {
      let program = try program(stages: stages, tensor: tensor, data: data) {
        $0.rewrites.shardsSequence = sharded
      }
      let sent = program.workOfAllRanks.reduce(0) { $0 + $1.work.collectives.bytes(.send) }
      let copies = data * (sharded ? 1 : tensor)
      #expect(sent == 2 * (stages - 1) * 16 * 8 * 48 * 4 * copies)
    }
  }

  @Test("A stage keeps its own layers, and one micro-batch more in flight than the next one")
  func residents() throws {
    let program = try program(stages: 4)
    for (stage, inFlight) in [(0, 4), (1, 3), (2, 2), (3, 1)] {
      let own = program.onStage(stage)
      let x = try #require(own.tensors.first { $0.name == "x" })
      #expect(x.instances == [4, inFlight])
      let resident = try #require(
        own.tensors.first { $0.name == "stage_load/layer.attention.qkv.weight" })
      #expect(resident.instances == [3] && resident.space == .sram)
    }
    let few = try self.program(stages: 4, batches: 2)
    #expect(few.onStage(0).tensors.first { $0.name == "x" }?.instances == [4, 2])
  }

  @Test("The embedding is the first stage's, the head the last one's")
  func ends() throws {
    let program = try program(stages: 3)
    func runs(_ stage: Int, _ name: String) -> Bool {
      var found = false
      program.onStage(stage).forEachOperation { operation, _, _ in
        if operation.kind.name == name { found = true }
      }
      return found
    }
    #expect((0..<3).map { runs($0, "embed") } == [true, false, false])
    #expect((0..<3).map { runs($0, "crossEntropyLoss") } == [false, false, true])
    #expect((0..<3).map { runs($0, "send_next") } == [true, true, false])
    #expect((0..<3).map { runs($0, "receive_next") } == [true, true, false])
    #expect((0..<3).map { runs($0, "send_previous") } == [false, true, true])
  }

  @Test("Every micro-batch goes forward and back once on every stage", arguments: [1, 2, 3, 7, 16])
  func turns(batches: Int) throws {
    let program = try program(stages: 4, batches: batches)
    for stage in 0..<4 {
      var counts: [String: Int] = [:]
      program.onStage(stage).forEachOperation { operation, phase, repetitions in
        if case .attention = operation.kind, phase == "stage_forward" {
          counts[phase, default: 0] += repetitions
        }
        if case .attentionBackward = operation.kind { counts[phase, default: 0] += repetitions }
      }
      #expect(counts == ["stage_forward": 3 * batches, "stage_backward": 3 * batches])
    }
  }
}
