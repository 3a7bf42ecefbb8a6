package import CostModel
import Program
package import Topology
package import Transformers

/// Estimates steps and passes of described models on one topology: builds their Programs and times
/// them, and runs nothing.
package struct ModelEstimator: Sendable {
  package let topology: PodTopology

  package init(_ topology: PodTopology) { self.topology = topology }

  /// Estimates a plan, and the job around it where it trains in phases.
  ///
  /// - Throws: `TransformerError` where the plan cannot run the model or needs more IPUs than there
  ///   are.
  package func estimate(
    _ model: TransformerModel, _ plan: ExecutionPlan, job: Job = Job()
  ) throws(TransformerError) -> ModelEstimate {
    if let reason = plan.illegality(for: model) { throw reason }
    let (ipus, overflows) = plan.ipusPerReplica.multipliedReportingOverflow(by: plan.dataParallel)
    guard !overflows, ipus <= topology.ipus else {
      throw .tooManyIPUs(
        needed: overflows ? .max : ipus, ipus: topology.ipus, topology: topology.name)
    }
    let estimator = Estimator(
      topology, ioTiles: plan.ioTiles, availableMemoryProportion: plan.availableMemoryProportion,
      replicasHaveRings: plan.execution == .pipeline)
    switch (plan.execution, plan.task) {
    case (.pipeline, _): return try pipeline(model, plan, estimator)
    case (.phased, .training): return try training(model, plan, job, estimator)
    case (.phased, .generation): return try generation(model, plan, job, estimator)
    }
  }

  private func training(
    _ model: TransformerModel, _ plan: ExecutionPlan, _ job: Job, _ estimator: Estimator
  ) throws(TransformerError) -> ModelEstimate {
    let program = try PhasedTrainingStep(model: model, plan: plan).program()
    let estimate = estimator.estimate(job, training: program)
    return ModelEstimate(
      model: model, plan: plan, seconds: estimate.step.seconds,
      secondsLow: estimate.step.secondsLow, secondsHigh: estimate.step.secondsHigh,
      time: estimate.step.time, memory: estimate.memory, step: estimate.step, job: estimate)
  }

  /// One pass, with the host's loop around it.
  private func generation(
    _ model: TransformerModel, _ plan: ExecutionPlan, _ job: Job, _ estimator: Estimator
  ) throws(TransformerError) -> ModelEstimate {
    let program = try GenerationPass(model: model, plan: plan).program()
    var job = job
    (job.steps, job.answers) = (0, 0)
    let estimate = estimator.estimate(job, training: program)
    let host = estimator.calibration.central.hostSecondsPerPass
    var time = estimate.step.time
    time.host += host
    return ModelEstimate(
      model: model, plan: plan, seconds: estimate.step.seconds + host,
      secondsLow: estimate.step.secondsLow, secondsHigh: estimate.step.secondsHigh + host,
      time: time, memory: estimate.memory, step: estimate.step, job: estimate)
  }

  /// The slowest IPU's turns, and the fullest one's reduction and update, with who times them.
  ///
  /// - Throws: `TransformerError` where the plan cannot run the model.
  package func pipeline(
    _ model: TransformerModel, _ plan: ExecutionPlan, calibration: Calibration = .fitted
  ) throws(TransformerError) -> (pipeline: Pipeline, estimator: Estimator) {
    let estimator = Estimator(
      topology, ioTiles: plan.ioTiles, availableMemoryProportion: plan.availableMemoryProportion,
      replicasHaveRings: true, calibration: calibration)
    let step = PipelineStep(model: model, plan: plan)
    return (try pipeline(of: step, try step.ipus(), estimator), estimator)
  }

  private func pipeline(
    of step: PipelineStep, _ ipus: [PipelineStep.IPU], _ estimator: Estimator
  ) throws(TransformerError) -> Pipeline {
    guard let turn = ipus.map(\.turn).slowest(estimator),
      let closing = ipus.map(\.closing).slowest(estimator)
    else { preconditionFailure("a pipeline has IPUs") }
    return Pipeline(
      stage: turn, closing: closing, stages: step.plan.ipusPerReplica,
      microBatches: step.plan.gradientAccumulation, boundaryBytes: step.boundaryBytes)
  }

  private func pipeline(
    _ model: TransformerModel, _ plan: ExecutionPlan, _ estimator: Estimator
  ) throws(TransformerError) -> ModelEstimate {
    let step = PipelineStep(model: model, plan: plan)
    let ipus = try step.ipus()
    let pipeline = try pipeline(of: step, ipus, estimator)
    let estimate = estimator.estimate(pipeline)
    let fits = ipus.map { estimator.memory(of: $0.whole) }
    guard let fullest = fits.max(by: { $0.sramPeakBytesPerIPU < $1.sramPeakBytesPerIPU }) else {
      preconditionFailure("a pipeline has IPUs")
    }
    var time = estimator.demands(of: pipeline)
      .split(pipeline.turns, with: estimator.calibration.central.shares)
    time.host += max(0, estimate.seconds - time.total)
    return ModelEstimate(
      model: model, plan: plan, seconds: estimate.seconds, secondsLow: estimate.secondsLow,
      secondsHigh: estimate.secondsHigh, time: time, memory: fits.first { !$0.fits } ?? fullest,
      pipeline: estimate, compileSeconds: compileSeconds(of: ipus, estimator))
  }

  /// Each IPU of a replica has code of its own; what any compilation takes counts once.
  private func compileSeconds(of ipus: [PipelineStep.IPU], _ estimator: Estimator) -> Double {
    let base = HostConstants.fitted.compileSecondsBase
    return ipus.reduce(base) { sum, ipu in
      sum + Double(ipu.count) * (estimator.compileSeconds(of: ipu.whole) - base)
    }
  }
}

extension [Program] {
  fileprivate func slowest(_ estimator: Estimator) -> Program? {
    self.max { estimator.seconds($0) < estimator.seconds($1) }
  }
}

/// How long a step or a pass of a described model takes on a pod: modelled, nothing was run.
package struct ModelEstimate: Sendable, Equatable {
  package let model: TransformerModel
  package let plan: ExecutionPlan
  /// Of an optimizer step, or of a pass that yields one token for each sequence.
  package let seconds: Double
  package let secondsLow: Double
  package let secondsHigh: Double
  /// By cause.
  package let time: TimeSplit
  /// Of the fullest IPU, or the first that does not fit.
  package let memory: MemoryFit
  /// Phase by phase; nil for a pipeline.
  package var step: StepEstimate?
  /// Compilation, loading and, for training, all steps; nil for a pipeline.
  package var job: JobEstimate?
  package var pipeline: PipelineEstimate?
  /// Of a pipeline alone; how long its weights take to load is not estimated.
  package var compileSeconds: Double?

  /// Sequences of a step, or of a pass.
  package var samples: Int {
    plan.task == .training ? plan.globalBatchSize : plan.microBatchSize
  }
  package var samplesPerSecond: Double { seconds > 0 ? Double(samples) / seconds : 0 }

  /// Tokens trained on, or generated.
  package var tokensPerSecond: Double {
    plan.task == .training ? samplesPerSecond * Double(plan.sequenceLength) : samplesPerSecond
  }

  /// Model FLOPs over the peak of all of the plan's IPUs; nil for a pass.
  package func shareOfPeak(on topology: PodTopology) -> Double? {
    guard plan.task == .training, seconds > 0 else { return nil }
    let flops = model.modelFlops(tokens: plan.tokensPerStep, sequenceLength: plan.sequenceLength)
    let peak = topology.ipu.peakFlopsPerSecond(for: .float16) * Double(plan.ipus)
    return flops / seconds / peak
  }
}
