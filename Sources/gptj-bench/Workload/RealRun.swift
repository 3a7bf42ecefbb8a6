import Configuration
import CostModel
import Emulator
import FineTuning
import GPTJ
import Reporting
import Topology

/// A small GPT-J really fine-tuned on this host, sharded as the plan shards the large one.
struct RealRun {
  let setup: HostSetup
  let trainer: Trainer
  let updates: [Trainer.Update]
  /// FLOP/s of all workers' registers together, measured before and after.
  let peakFlopsPerSecond: Double
  /// What the plan had to give up for a model of this size, if anything.
  let note: String?
  /// What a measured host was predicted to take for a step of it; nil where none was given.
  private(set) var prediction: HostPrediction?

  static let preset = "entailment"

  /// The plan's TP, DP and what-ifs on the small model, as far as it and the emulator can follow.
  ///
  /// What the plan recomputes it follows only where `whatIfs` name it: nothing is quickest here.
  static func configuration(
    like plan: ParallelPlan, _ whatIfs: [WhatIf] = []
  ) throws(ConfigurationError) -> (FineTuningConfiguration, note: String?) {
    var configuration: FineTuningConfiguration = try ConfigurationResolver(preset).resolve()
    let heads = configuration.model.attention.heads
    var tensorParallel = min(plan.tensorParallel, heads)
    while heads % tensorParallel != 0 { tensorParallel -= 1 }
    let layers = configuration.model.layers
    var stages = min(plan.pipelineParallel, layers, EmulatorError.mostRanks / tensorParallel)
    while layers % stages != 0 { stages -= 1 }
    let dataParallel = max(
      1, min(plan.dataParallel, EmulatorError.mostRanks / (tensorParallel * stages)))
    configuration.execution.tensorParallel = tensorParallel
    configuration.execution.dataParallel = dataParallel
    configuration.execution.pipelineParallel = stages
    for whatIf in plan.whatIfs + whatIfs { whatIf.apply(to: &configuration.execution) }
    let batch = configuration.training.globalBatchSize
    configuration.execution.microBatchSize = max(
      1, min(configuration.execution.microBatchSize, batch / dataParallel))
    let unit = dataParallel * configuration.execution.microBatchSize
    configuration.training.globalBatchSize = max(unit, batch / unit * unit)
    let follows =
      tensorParallel == plan.tensorParallel && dataParallel == plan.dataParallel
      && stages == plan.pipelineParallel
    let split =
      "TP \(tensorParallel) x DP \(dataParallel)"
      + (stages > 1 ? " x PP \(stages)" : "")
    let note =
      follows
      ? nil
      : "the small model runs at \(split): it has \(heads) heads, "
        + (plan.pipelineParallel > 1 ? "\(layers) layers, " : "")
        + "and the emulator at most \(EmulatorError.mostRanks) ranks"
    return (configuration, note)
  }

  /// Trains for about `seconds`, at least two steps, at most `steps`.
  init(
    like plan: ParallelPlan, _ whatIfs: [WhatIf] = [], seconds: Double, steps: Int? = nil,
    _ options: EmulatorOptions,
    progress: (Trainer.Update, Trainer, _ peak: Double) -> Void
  ) throws {
    let (configuration, note) = try Self.configuration(like: plan, whatIfs)
    self.note = note
    setup = try HostSetup(
      ranks: configuration.ipus, tensorParallel: configuration.execution.tensorParallel, options)
    let task = try TrainingTask(seed: configuration.model.seed)
    var batches = try task.batches(configuration)
    trainer = try Trainer(configuration, setup.emulatorOptions)
    trainer.initialize(RandomWeights(configuration.model))
    var peak = trainer.emulator.measurePeak(seconds: 0.2)
    var updates: [Trainer.Update] = []
    let clock = ContinuousClock()
    let start = clock.now
    while updates.count < steps ?? .max,
      updates.count < 2 || start.duration(to: clock.now) < .seconds(seconds)
    {
      let update = try trainer.update(on: batches.next())
      updates.append(update)
      progress(update, trainer, peak)
    }
    peak = max(peak, trainer.emulator.measurePeak(seconds: 0.2))
    peakFlopsPerSecond = peak
    self.updates = updates
  }

  /// Median step time of all but the first step, which touches memory for the first time.
  var stepSeconds: Double {
    let times = updates.dropFirst().map(\.measured.seconds).sorted()
    return times.isEmpty ? 0 : times[times.count / 2]
  }

  /// Median CPU time of the slowest worker between waits, of all but the first step.
  var criticalCPUSeconds: Double {
    let times = updates.dropFirst().map(\.measured.criticalCPUSeconds).sorted()
    return times.isEmpty ? 0 : times[times.count / 2]
  }

  mutating func predict(on host: MeasuredHost?) {
    prediction = host.map {
      HostPrediction(of: trainer.program, on: $0, workers: trainer.emulator.workerCount)
    }
  }

  var tokensPerStep: Int { updates.first?.tokens ?? 0 }

  /// Model FLOPs of a step over its time, as a share of the measured peak.
  var shareOfPeak: Double {
    let flops = Double(trainer.step.model.modelFlops(tokens: tokensPerStep))
    return stepSeconds > 0 && peakFlopsPerSecond > 0
      ? flops / stepSeconds / peakFlopsPerSecond : 0
  }

  /// What the same small Program would take on the pod.
  func modelled(on topology: PodTopology) -> StepEstimate {
    Estimator(topology, ioTiles: trainer.configuration.execution.ioTiles)
      .estimate(trainer.program)
  }
}
