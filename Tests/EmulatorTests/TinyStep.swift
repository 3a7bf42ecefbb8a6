import Emulator
import GPTJ
import Program

/// A small training step with uneven sizes and pseudo-random weights, ready to run.
struct TinyStep {
  let program: Program
  let emulator: Emulator

  static let model = GPTJModel(
    layers: 2, hiddenSize: 48, heads: 8, vocabularySize: 101, sequenceLength: 37, rotarySize: 4)
  /// The same for up to 16 shards.
  static let wideModel = GPTJModel(
    layers: 2, hiddenSize: 64, heads: 16, vocabularySize: 101, sequenceLength: 19, rotarySize: 4)

  init(
    tensorParallel: Int, dataParallel: Int, recompute: ParallelPlan.Recompute = .full,
    closingCollectives: Bool = false, workers: Int = 2, sharesReplicas: Bool = true,
    model: GPTJModel = Self.model, elementType: ElementType = .float32, lossScale: Double = 1,
    roundsStochastically: Bool = true, dropout: TrainingStep.Dropout? = nil, lora: LoRA? = nil,
    options given: Emulator.Options? = nil,
    _ change: (inout ParallelPlan) -> Void = { _ in }
  ) throws {
    var plan = try ParallelPlan.spread(
      8, over: dataParallel, tensorParallel: tensorParallel, microBatchSize: 2, model: model)
    plan.recompute = recompute
    plan.recomputeClosingCollectives = closingCollectives
    change(&plan)
    program = try TrainingStep(
      model: model, plan: plan,
      optimizer: TrainingStep.Optimizer(
        adamW: Operation.AdamW(
          beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0.01,
          roundsStochastically: roundsStochastically),
        gradientClipping: 1),
      lossScale: lossScale, elementType: elementType, dropout: dropout, lora: lora
    ).program()
    emulator = try Emulator(
      program, given ?? Emulator.Options(workers: workers, sharesReplicas: sharesReplicas))
    fillWeights()
    fillHost()
  }

  /// Values that depend on the place in the rank's shard only: enough to compare runs of one plan.
  private func fillWeights() {
    let weights = program.tensors.filter { $0.space == .streaming && Self.isWeight($0.name) }
    // By their number among the weights: steps of other types have other tensors beside them.
    for (index, tensor) in weights.enumerated() {
      guard let id = program.tensor(named: tensor.name) else { continue }
      for instance in 0..<tensor.instanceCount {
        for rank in 0..<program.mesh.ranks {
          let memory = emulator.memory(of: id, instance: instance, rank: rank)
          let offset: Float = tensor.name.hasSuffix("gain") ? 1 : 0
          for element in 0..<tensor.count {
            let value = offset + 0.3 * noise(element + 7919 * instance + 104_729 * index)
            switch tensor.elementType {
            case .bfloat16:
              memory.bindMemory(to: UInt16.self)[element] = UInt16(value.bitPattern >> 16)
            case .float16: memory.bindMemory(to: Float16.self)[element] = Float16(value)
            default: memory.bindMemory(to: Float.self)[element] = value
            }
          }
        }
      }
    }
  }

  static func isWeight(_ name: String) -> Bool {
    ["weight", "bias", "gain"].contains { name.hasSuffix($0) } && !name.hasPrefix("saved")
  }

  private func fillHost() {
    for name in [TrainingStep.HostTensor.inputIDs, TrainingStep.HostTensor.labels] {
      guard let id = program.tensor(named: name) else { continue }
      for rank in 0..<program.mesh.ranks {
        for batch in 0..<program[id].instanceCount {
          let memory = emulator.memory(of: id, instance: batch, rank: rank)
            .bindMemory(to: Int32.self)
          let chunk = program.mesh.dataIndex(of: rank) * program[id].instanceCount + batch
          for token in memory.indices { memory[token] = Int32((token * 31 + chunk * 17) % 101) }
        }
      }
    }
  }

  /// Runs `steps` updates and returns the bits of all weights, rank by rank, 16 at a time.
  func train(steps: Int) -> [UInt16] {
    for step in 1...steps { run(step: step) }
    return weightBits()
  }

  /// The loss of each of so many updates, of the first replica's first micro-batch.
  func losses(steps: Int) throws -> [Float] {
    guard let loss = program.tensor(named: TrainingStep.HostTensor.loss) else { return [] }
    let last = program.mesh.ranks(ofStage: program.mesh.pipelineParallel - 1)[0]
    return (1...steps).map { number in
      run(step: number)
      return emulator.memory(of: loss, rank: last).bindMemory(to: Float.self)[0]
    }
  }

  @discardableResult
  func run(step: Int = 1) -> StepMeasurement {
    if let schedule = program.tensor(named: TrainingStep.HostTensor.schedule) {
      for rank in 0..<program.mesh.ranks {
        let memory = emulator.memory(of: schedule, rank: rank).bindMemory(to: Float.self)
        memory[0] = 1e-3
        memory[1] = Float(step)
      }
    }
    return emulator.run()
  }

  func weightBits() -> [UInt16] {
    program.tensors.filter { $0.space == .streaming && Self.isWeight($0.name) }.flatMap { tensor in
      guard let id = program.tensor(named: tensor.name) else { return [UInt16]() }
      return (0..<tensor.instanceCount).flatMap { instance in
        (0..<program.mesh.ranks).flatMap { rank in
          emulator.memory(of: id, instance: instance, rank: rank).bindMemory(to: UInt16.self)
        }
      }
    }
  }

  private func noise(_ seed: Int) -> Float {
    var bits = UInt64(truncatingIfNeeded: seed) &* 0x9E37_79B9_7F4A_7C15
    bits ^= bits >> 29
    bits &*= 0xBF58_476D_1CE4_E5B9
    return Float(bits >> 40) / Float(1 << 23) - 1
  }
}
