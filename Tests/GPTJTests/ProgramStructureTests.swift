import Configuration
import GPTJ
import Program
import Testing

@Suite("The structure of a training step and an inference pass")
struct ProgramStructureTests {
  private func program(
    layers: Int = 28, batch: Int = 128, tensor: Int = 16, data: Int = 1,
    recompute: ParallelPlan.Recompute = .full
  ) throws -> Program {
    var model = gptj6B
    model.layers = layers
    var plan = try ParallelPlan.spread(
      batch, over: data, tensorParallel: tensor, microBatchSize: 1, model: model)
    plan.recompute = recompute
    return try TrainingStep(
      model: model, plan: plan,
      optimizer: TrainingStep.Optimizer(
        adamW: Operation.AdamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0),
        gradientClipping: 1),
      elementType: .float16
    ).program()
  }

  private func statementCount(_ statements: [Statement]) -> Int {
    statements.reduce(0) { count, statement in
      switch statement {
      case .phase(_, let inner), .loop(_, let inner), .only(_, let inner):
        count + 1 + statementCount(inner)
      case .operation: count + 1
      }
    }
  }

  @Test(
    "The number of statements does not grow with layers, micro-batches or ranks",
    arguments: ParallelPlan.Recompute.allCases)
  func loopsStayLoops(recompute: ParallelPlan.Recompute) throws {
    let base = try program(layers: 2, batch: 8, tensor: 2, data: 2, recompute: recompute)
    let count = statementCount(base.body)
    for (layers, batch, tensor, data) in [
      (28, 8, 2, 2), (10_000, 8, 2, 2), (2, 1_000_000, 2, 2), (2, 64, 16, 64), (96, 4096, 16, 16),
    ] {
      let other = try program(
        layers: layers, batch: batch, tensor: tensor, data: data, recompute: recompute)
      #expect(statementCount(other.body) == count)
      #expect(other.tensors.map(\.name) == base.tensors.map(\.name))
    }
    #expect((100...1000).contains(count))
  }

  @Test("A group of one has no collectives")
  func alone() throws {
    func groups(tensor: Int, data: Int) throws -> Set<ProcessGroup> {
      var found: Set<ProcessGroup> = []
      try program(tensor: tensor, data: data).forEachOperation { operation, _, _ in
        if case .collective(_, let group) = operation.kind { found.insert(group) }
      }
      return found
    }
    #expect(try groups(tensor: 1, data: 1) == [])
    #expect(try groups(tensor: 4, data: 1) == [.tensor, .all])
    #expect(try groups(tensor: 1, data: 4) == [.data, .all])
    #expect(try groups(tensor: 4, data: 4) == [.tensor, .data, .all])
  }

  /// Every phase with the loops around it.
  private func outline(_ statements: [Statement], _ loops: [Statement.Loop] = []) -> [String] {
    statements.flatMap { statement -> [String] in
      switch statement {
      case .phase(let name, _):
        return [
          (loops.map { "\($0.name) x \($0.count)\($0.descending ? " down" : "")" } + [name])
            .joined(separator: ": ")
        ]
      case .loop(let loop, let inner): return outline(inner, loops + [loop])
      case .only(_, let inner): return outline(inner, loops)
      case .operation: return ["operation outside a phase"]
      }
    }
  }

  @Test("A step's phases stand in the reference's order, each layer's in a loop")
  func phases() throws {
    #expect(
      outline(try program().body) == [
        "embedding_forward", "layer x 28: decoder_forward", "head",
        "layer x 28 down: decoder_backward", "embedding_backward_optimizer",
        "layer x 28: decoder_optimizer", "head_optimizer",
      ])
    let pass = try InferencePass(
      model: gptj6B, tensorParallel: 4, microBatchSize: 12, elementType: .float16
    ).program()
    #expect(
      outline(pass.body) == ["embedding_forward", "layer x 28: decoder_forward", "head"])
  }

  @Test("Each layer's weights are loaded once a phase, its activations once a micro-batch")
  func repetitions() throws {
    let program = try program()
    var loads: [Int: Int] = [:]
    program.forEachOperation { operation, phase, repetitions in
      if operation.kind == .load, phase == "decoder_forward" { loads[repetitions, default: 0] += 1 }
    }
    #expect(loads == [28: 8, 28 * 128: 1])
  }

  @Test(
    "Weight decay takes hold of all matrices, and of what is not excluded",
    arguments: [
      (OptimizerConfiguration.WeightDecayExclusions.biasesAndNorms, []),
      (.biases, ["norm.gain"]), (.none, ["norm.gain", "bias"]),
    ])
  func decay(
    exclusions: OptimizerConfiguration.WeightDecayExclusions, alsoDecayed: [String]
  ) throws {
    var configuration = FineTuningConfiguration()
    configuration.training.optimizer.weightDecay = 0.25
    configuration.training.optimizer.weightDecayExclusions = exclusions
    let program = try TrainingStep(configuration).program()
    var decays: [Bool] = []
    program.forEachOperation { operation, _, _ in
      guard case .adamW(let adamW) = operation.kind else { return }
      let name = program[operation.inputs[0]].name
      let expected = (["weight"] + alsoDecayed).contains { name.hasSuffix($0) }
      #expect(adamW.weightDecay == (expected ? 0.25 : 0), "\(name)")
      decays.append(expected)
    }
    #expect(decays.count == 13 && decays.contains(true))
  }

  @Test("Dropout is at the reference's four places, its backward the same as its forward")
  func dropouts() throws {
    var configuration = FineTuningConfiguration()
    configuration.model.dropoutProb = 0.1
    configuration.model.seed = 3
    configuration.execution.tensorParallel = 4
    let program = try TrainingStep(configuration).program()
    var places: [String: [Operation.Dropout.Site]] = [:]
    program.forEachOperation { operation, phase, _ in
      guard let dropout = operation.kind.dropout else { return }
      places[phase, default: []].append(dropout.site)
      #expect(dropout.probability == 0.1 && dropout.seed == 3)
      #expect(dropout.microBatches == 32 && dropout.sequence == 2048)
      #expect(program[operation.inputs[operation.inputs.count - 1]].shape == [2])
    }
    #expect(
      places == [
        "embedding_forward": [.embedding],
        "decoder_forward": [.attentionProbabilities, .attentionOutput, .feedForwardOutput],
        "decoder_backward": [
          .attentionProbabilities, .feedForwardOutput, .attentionOutput, .attentionProbabilities,
        ],
        "embedding_backward_optimizer": [.embedding],
      ])
  }

  @Test("Without dropout, and for inference, the Program has no trace of it")
  func noDropout() throws {
    func count(_ program: Program) -> Int {
      var count = 0
      program.forEachOperation { operation, _, _ in
        count += operation.kind.dropout == nil ? 0 : 1
      }
      return count
    }
    var configuration = FineTuningConfiguration()
    let plain = try TrainingStep(configuration).program()
    configuration.model.dropoutProb = 0.5
    #expect(try count(TrainingStep(configuration).program()) == 9)
    configuration.model.eval = true
    #expect(try TrainingStep(configuration).program() == plain && count(plain) == 0)
    var inference = InferenceSessionConfiguration()
    inference.model.dropoutProb = 0.5
    #expect(try count(InferencePass(inference).program()) == 0)
  }

  @Test("Every index stays inside its tensor at every turn of its loops")
  func indices() throws {
    let program = try program(layers: 5, batch: 12, data: 2, recompute: .none)
    var counts: [LoopVariable: Int] = [:]
    func walk(_ statements: [Statement]) {
      for statement in statements {
        switch statement {
        case .phase(_, let inner), .only(_, let inner): walk(inner)
        case .loop(let loop, let inner):
          #expect(counts.updateValue(loop.count, forKey: loop.variable) == nil)
          walk(inner)
        case .operation(let operation):
          for reference in operation.inputs + operation.outputs {
            for (index, extent) in zip(reference.indices, program[reference].instances) {
              let turns = index.variable.flatMap { counts[$0] } ?? 1
              #expect(index.constant >= 0 && index.constant + turns <= extent)
            }
          }
        }
      }
    }
    walk(program.body)
    #expect(counts.count > 5)
  }

  @Test("Every tensor is used, and every temporary is written before it is read")
  func uses() throws {
    for recompute in ParallelPlan.Recompute.allCases {
      let program = try program(data: 4, recompute: recompute)
      var (used, written): (Set<Int>, Set<Int>) = ([], [])
      program.forEachOperation { operation, phase, _ in
        for reference in operation.inputs where program[reference].space == .sram {
          #expect(
            written.contains(reference.tensor.index), "\(program[reference].name) in \(phase)")
        }
        for reference in operation.outputs { written.insert(reference.tensor.index) }
        used.formUnion((operation.inputs + operation.outputs).map(\.tensor.index))
      }
      let unused = program.tensors.indices.filter { !used.contains($0) }
      // The embedding's gradient never leaves the tiles, but has its place like all others.
      #expect(unused.map { program.tensors[$0].name } == ["embedding.weight.gradient"])
    }
  }
}

extension Operation.Kind {
  /// The dropout that an operation does, alone or in attention.
  fileprivate var dropout: Operation.Dropout? {
    switch self {
    case .dropout(let dropout): dropout
    case .attention(let shape), .attentionBackward(let shape): shape.dropout
    default: nil
    }
  }
}
