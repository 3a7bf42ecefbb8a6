import Configuration
import CostModel
import Emulator
import GPTJ
import Program
import Testing
import Topology

@testable import HostMeasurement

/// What the CostModel says that a step executes beside what kernels counted in one.
@Suite struct HostPredictionWitnessTests {
  struct Plan: Sendable, CustomTestStringConvertible {
    var tensorParallel = 1
    var dataParallel = 1
    var recompute = ParallelPlan.Recompute.none
    var sharding = ParallelPlan.StateSharding.all
    var shardsSequence = false
    var fuses = false
    var chunks = 1
    var lora: LoRA?
    var elementType = ElementType.float32
    var testDescription: String {
      "TP \(tensorParallel) DP \(dataParallel) \(recompute) \(sharding) "
        + "\(shardsSequence) \(fuses) \(chunks) \(lora != nil) \(elementType)"
    }
  }

  static let plans: [Plan] = [
    Plan(), Plan(recompute: .full), Plan(tensorParallel: 2), Plan(tensorParallel: 4),
    Plan(tensorParallel: 16, recompute: .full), Plan(dataParallel: 2), Plan(dataParallel: 4),
    Plan(tensorParallel: 2, dataParallel: 2, recompute: .live),
    Plan(tensorParallel: 4, dataParallel: 4), Plan(tensorParallel: 16, dataParallel: 2),
    Plan(tensorParallel: 2, dataParallel: 2, sharding: .optimizer),
    Plan(tensorParallel: 2, dataParallel: 2, sharding: .none),
    Plan(tensorParallel: 4, shardsSequence: true), Plan(tensorParallel: 4, fuses: true),
    Plan(chunks: 4), Plan(tensorParallel: 4, dataParallel: 2, chunks: 32),
    Plan(tensorParallel: 4, shardsSequence: true, chunks: 8),
    Plan(tensorParallel: 16, dataParallel: 2, chunks: 3),
    Plan(tensorParallel: 16, recompute: .selective, shardsSequence: true, fuses: true),
    Plan(
      tensorParallel: 2, dataParallel: 2, lora: LoRA(rank: 4, alpha: 8, targets: [.query, .value])),
    Plan(
      lora: LoRA(
        rank: 4, alpha: 8, targets: [.query, .output, .feedForwardIn], storesFrozenAsBFloat16: true)
    ),
    Plan(elementType: .bfloat16),
    Plan(tensorParallel: 4, dataParallel: 2, recompute: .full, elementType: .bfloat16),
    Plan(
      tensorParallel: 2, dataParallel: 2, shardsSequence: true, chunks: 4, elementType: .bfloat16),
  ]

  private static func program(_ wanted: Plan) throws -> Program {
    let model = GPTJModel(
      layers: 2, hiddenSize: 64, heads: 16, vocabularySize: 101, sequenceLength: 48, rotarySize: 4)
    var plan = try ParallelPlan.spread(
      8, over: wanted.dataParallel, tensorParallel: wanted.tensorParallel, microBatchSize: 2,
      model: model)
    plan.recompute = wanted.recompute
    plan.rewrites.stateSharding = wanted.sharding
    plan.rewrites.shardsSequence = wanted.shardsSequence
    plan.rewrites.fusesAllReduces = wanted.fuses
    plan.headSerialisation = wanted.chunks
    let adamW = Operation.AdamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0.01)
    return try TrainingStep(
      model: model, plan: plan, optimizer: .init(adamW: adamW, gradientClipping: 1),
      elementType: wanted.elementType, lora: wanted.lora
    ).program()
  }

  /// Its first step, by two workers.
  private static func run(_ program: Program) throws -> StepMeasurement {
    let emulator = try Emulator(program, Emulator.Options(workers: 2))
    let schedule = try #require(program.tensor(named: TrainingStep.HostTensor.schedule))
    for rank in 0..<program.mesh.ranks {
      emulator.memory(of: schedule, rank: rank).bindMemory(to: Float.self).update(repeating: 1)
    }
    return emulator.run()
  }

  @Test(arguments: plans)
  func `Each phase executes what was predicted, to the FLOP and byte`(plan: Plan) throws {
    let program = try Self.program(plan)
    let prediction = HostPrediction(of: program, on: .empty, workers: 2)
    let run = try Self.run(program)
    for (phase, predicted) in zip(run.phases, prediction.executed) {
      #expect(phase.name == predicted.phase)
      let (counted, said) = (phase.executed, predicted.work)
      #expect(counted.flops == said.flops, "\(phase.name)")
      #expect(counted.elements == said.elements, "\(phase.name)")
      #expect(counted.loadBytes == said.loadBytes, "\(phase.name)")
      #expect(counted.storeBytes == said.storeBytes, "\(phase.name)")
      #expect(counted.hostBytes == said.hostBytes, "\(phase.name)")
      for kind in Operation.Collective.allCases {
        #expect(
          counted.collectives.bytes(kind) == said.collectives.bytes(kind),
          "\(phase.name) \(kind.rawValue)")
      }
    }
  }

  @Test(arguments: plans)
  func `Workers wait as often as was predicted`(plan: Plan) throws {
    let program = try Self.program(plan)
    let prediction = HostPrediction(of: program, on: .empty, workers: 2)
    let run = try Self.run(program)
    #expect(run.waits == prediction.waits)
  }

  @Test(
    arguments: MeasuredHost.Kind.allCases.filter { $0.axes.first == "elements" },
    [ElementType.float32, .bfloat16])
  func `A kernel's Program runs as many instructions of that kind as its rate is over`(
    kind: MeasuredHost.Kind, type: ElementType
  ) throws {
    guard kind.elementTypes.contains(type.rawValue) else { return }
    let measured = KernelTables.program(kind, type, elements: 2048, workingSet: 1 << 18)
    let emulator = try measured.emulator()
    // What 16 lanes sum, one more instruction adds up.
    let adding = kind == .sumOfSquares ? measured.instructions / 16 : 0
    #expect(emulator.instructionCount == measured.instructions + adding)
    let executed = emulator.run().executed
    if executed.elements > 0 {
      #expect(executed.elements == measured.instructions * measured.elements)
    }
    var kinds: [MeasuredHost.Kind?] = []
    measured.program.forEachOperation { operation, _, _ in kinds.append(operation.kind.hostKind) }
    #expect(kinds == [kind])
    #expect(
      measured.program.tensors.contains { $0.elementType == type } || kind == .crossEntropyLoss)
  }

  @Test func `The cases are as different as the issue asks, and every one can be run`() throws {
    #expect(HostCase.all.count >= 10)
    #expect(Set(HostCase.all.map(\.name)).count == HostCase.all.count)
    for one in HostCase.all {
      let plan = try TrainingStep(one.configuration).plan
      #expect(plan.illegality(for: try TrainingStep(one.configuration).model) == nil)
    }
  }
}

extension MeasuredHost {
  /// Nothing measured: for what does not depend on any rate.
  fileprivate static var empty: MeasuredHost {
    MeasuredHost(
      name: "", measured: "", version: "", cores: 1, numaNodes: 1, memoryBytes: 0,
      peakFlopsPerSecond: 1, peakFlopsPerSecondOfAllCores: 1, memoryBytesPerSecond: 1,
      memoryBytesPerSecondOfAllCores: 1, barrierSeconds: 0, instructionSeconds: 0, disk: nil,
      tables: [])
  }
}
