import CostModel
import GPTJ
import Program
import Topology

/// Times many plans of one model on one topology, each part of a step once for all that share it.
///
/// A micro-batch does not know how many replicas there are, and what a replica does once a step knows
/// neither its micro-batches nor what they recompute. So a plan is two look-ups and a sum, equal to
/// the estimate of its whole Program but for the order of additions.
///
/// The stages of a pipeline are no such sum: a plan with stages is timed as a whole.
///
/// Cost: a part of a Program (0.2 ms) for each part that is new, a microsecond for a plan of known
/// parts; a millisecond for a plan with stages.
struct PlanTimer {
  private let estimator: PlanEstimator
  private var perMicroBatch: [MicroBatchKey: StepParts] = [:]
  private var perStep: [StepKey: TimeSplit] = [:]
  /// Programs that were built so far.
  private(set) var programs = 0

  init(_ estimator: PlanEstimator) { self.estimator = estimator }

  /// All that the time of a micro-batch depends on.
  private struct MicroBatchKey: Hashable {
    let tensorParallel: Int
    let hasReplicas: Bool
    /// Streaming memory and host are shared by the IPUs of a machine.
    let ranksOfMachine: Int
    let size: Int
    let recompute: ParallelPlan.Recompute
    let closingCollectives: Bool
    let serialisation: Int
    let headSerialisation: Int
    let fusesAllReduces: Bool
    let shardsSequence: Bool
    let numerics: Numerics
  }

  /// The same of what a step does once.
  private struct StepKey: Hashable {
    let tensorParallel: Int
    let dataParallel: Int
    let shardsSequence: Bool
    let stateSharding: ParallelPlan.StateSharding
    let numerics: Numerics
  }

  private struct Numerics: Hashable {
    let hasSinglePartials: Bool
    let collectiveType: ElementType?
    let storesStateAsBFloat16: Bool
  }

  /// The step's time by cause, by the central calibration.
  ///
  /// - Throws: `PlanError` where the plan cannot split the model or needs more IPUs than there are.
  mutating func time(_ plan: ParallelPlan) throws(PlanError) -> TimeSplit {
    guard plan.pipelineParallel == 1 else {
      programs += 1
      return estimator.timed.time(try estimator.program(plan))
    }
    let numerics = Numerics(
      hasSinglePartials: plan.rewrites.hasSinglePartials,
      collectiveType: plan.rewrites.collectiveType,
      storesStateAsBFloat16: plan.rewrites.storesStateAsBFloat16)
    let microBatch = MicroBatchKey(
      tensorParallel: plan.tensorParallel, hasReplicas: plan.dataParallel > 1,
      ranksOfMachine: min(plan.ranks, estimator.topology.machine.ipus), size: plan.microBatchSize,
      recompute: plan.recompute, closingCollectives: plan.recomputeClosingCollectives,
      serialisation: plan.attentionSerialisation, headSerialisation: plan.headSerialisation,
      fusesAllReduces: plan.rewrites.fusesAllReduces,
      shardsSequence: plan.rewrites.shardsSequence, numerics: numerics)
    let step = StepKey(
      tensorParallel: plan.tensorParallel, dataParallel: plan.dataParallel,
      shardsSequence: plan.rewrites.shardsSequence, stateSharding: plan.rewrites.stateSharding,
      numerics: numerics)
    return try turns(of: plan, microBatch).with(once: once(of: plan, step)).time(
      microBatches: plan.gradientAccumulation, overlapsIO: plan.rewrites.overlapsIO)
  }

  private mutating func turns(
    of plan: ParallelPlan, _ key: MicroBatchKey
  ) throws(PlanError) -> StepParts {
    if let known = perMicroBatch[key] { return known }
    var plan = plan
    plan.gradientAccumulation = 1
    plan.rewrites.overlapsIO = false
    programs += 1
    let parts = estimator.timed.parts(
      of: try estimator.program(plan, .microBatches), microBatches: TrainingPhases.microBatches,
      onlyTurns: true)
    perMicroBatch[key] = parts
    return parts
  }

  private mutating func once(
    of plan: ParallelPlan, _ key: StepKey
  ) throws(PlanError) -> TimeSplit {
    if let known = perStep[key] { return known }
    var plan = plan
    plan.gradientAccumulation = 1
    // What is done once depends on none of these.
    plan.rewrites.overlapsIO = false
    (plan.recompute, plan.recomputeClosingCollectives) = (.full, false)
    programs += 1
    let once = estimator.timed.parts(
      of: try estimator.program(plan, .once),
      microBatches: TrainingPhases.microBatches
    ).once
    perStep[key] = once
    return once
  }
}
