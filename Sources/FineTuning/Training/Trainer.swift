import Checkpoints
package import Configuration
package import Datasets
package import Emulator
package import GPTJ
package import Program

/// Fine-tunes a GPT-J for real, on the emulated shards of a plan.
package final class Trainer {
  package let configuration: FineTuningConfiguration
  package let step: TrainingStep
  package let program: Program
  package let emulator: Emulator
  package let transfer: ParameterTransfer
  private let schedule: LearningRateSchedule
  private let host: HostTensors
  /// Updates done so far.
  package internal(set) var updates = 0
  /// Where the loss scale stands, and how many of the updates it made come to nothing.
  package internal(set) var lossScaling: LossScaling

  /// What one update did, and what it took.
  package struct Update: Sendable {
    /// From 1.
    package let step: Int
    /// Mean loss of the global batch, before the update.
    package let loss: Double
    /// Global norm of the gradient, before clipping.
    package let gradientNorm: Double
    package let learningRate: Double
    /// What the loss was multiplied by.
    package let lossScale: Double
    package let tokens: Int
    package let measured: StepMeasurement

    /// Whether it left all as it was, its gradient not being finite.
    package var isSkipped: Bool { !gradientNorm.isFinite }
    package var tokensPerSecond: Double { Double(tokens) / measured.seconds }
  }

  private struct HostTensors {
    let inputIDs: TensorID
    let labels: TensorID
    let schedule: TensorID
    let loss: TensorID
    let gradientNorm: TensorID

    init(_ program: Program) {
      func find(_ name: String) -> TensorID {
        guard let tensor = program.tensor(named: name) else {
          preconditionFailure("a training step has \(name)")
        }
        return tensor
      }
      inputIDs = find(TrainingStep.HostTensor.inputIDs)
      labels = find(TrainingStep.HostTensor.labels)
      schedule = find(TrainingStep.HostTensor.schedule)
      loss = find(TrainingStep.HostTensor.loss)
      gradientNorm = find(TrainingStep.HostTensor.gradientNorm)
    }
  }

  /// Lowers the configured step onto this host; its weights are zero until they are written.
  ///
  /// - Throws: `PlanError` for an illegal plan, `EmulatorError` where the host refuses.
  package init(_ configuration: FineTuningConfiguration, _ options: Emulator.Options) throws {
    self.configuration = configuration
    step = try TrainingStep(configuration)
    program = try step.program()
    emulator = try Emulator(program, options)
    transfer = ParameterTransfer(model: step.model, mesh: program.mesh, lora: step.lora)
    schedule = LearningRateSchedule(configuration.training)
    lossScaling = LossScaling(configuration.execution)
    host = HostTensors(program)
  }

  /// Sets all weights to random ones, and adapters to ones that change nothing yet.
  package func initialize(_ weights: RandomWeights) {
    initializeAdapters()
    transfer.write(transfer.parameters.ofModel, to: emulator) { name in
      weights.values(of: name, count: transfer.count(of: name))
    }
  }

  /// One forward and backward pass over a global batch, and the update that follows.
  ///
  /// A skipped update counts among those done, but not as a step of AdamW's bias correction.
  ///
  /// - Throws: `EmulatorError.streamingDisk` where streaming memory is in a file that failed.
  package func update(on batch: Batch) throws(EmulatorError) -> Update {
    fill(host.inputIDs, with: batch.ids)
    fill(host.labels, with: batch.labels)
    let rate = schedule[updates]
    for rank in 0..<program.mesh.ranks {
      let memory = floats(host.schedule, rank: rank)
      memory[0] = Float(rate)
      memory[1] = Float(updates - lossScaling.state.skippedSteps + 1)
    }
    let lossScale = lossScaling.scale
    emulator.lossScaleFactor = lossScale / step.lossScale
    let measured = emulator.run()
    if let failure = emulator.failure { throw failure }
    updates += 1
    let update = Update(
      step: updates, loss: meanLoss(), gradientNorm: Double(floats(host.gradientNorm, rank: 0)[0]),
      learningRate: rate, lossScale: lossScale, tokens: batch.ids.count, measured: measured)
    lossScaling.record(isFinite: !update.isSkipped)
    return update
  }

  /// Sequences go to replicas first, then to their micro-batches.
  private func fill(_ tensor: TensorID, with values: [Int32]) {
    let plan = step.plan
    let tokens = program[tensor].count
    precondition(
      values.count == tokens * plan.gradientAccumulation * plan.dataParallel,
      "a global batch of \(values.count) tokens")
    for rank in 0..<program.mesh.ranks {
      for batch in 0..<plan.gradientAccumulation {
        let memory = emulator.memory(of: tensor, instance: batch, rank: rank)
          .bindMemory(to: Int32.self)
        let chunk = program.mesh.dataIndex(of: rank) * plan.gradientAccumulation + batch
        for token in 0..<tokens { memory[token] = values[chunk * tokens + token] }
      }
    }
  }

  private func meanLoss() -> Double {
    let plan = step.plan
    var sum = 0.0
    for replica in 0..<plan.dataParallel {
      for batch in 0..<plan.gradientAccumulation {
        let rank = plan.mesh.rank(data: replica, stage: plan.pipelineParallel - 1, tensor: 0)
        sum += Double(floats(host.loss, batch, rank: rank)[0])
      }
    }
    return sum / Double(plan.dataParallel * plan.gradientAccumulation)
  }

  private func floats(
    _ tensor: TensorID, _ instance: Int = 0, rank: Int
  ) -> UnsafeMutableBufferPointer<Float> {
    emulator.memory(of: tensor, instance: instance, rank: rank).bindMemory(to: Float.self)
  }
}
