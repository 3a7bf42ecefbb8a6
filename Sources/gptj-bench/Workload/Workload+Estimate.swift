import Configuration
import CostModel
import GPTJ
import PlanSearch
import Program

extension Workload {
  /// What this workload would take on its pod: the step, the whole job, and whether it fits.
  func estimate(executableCached: Bool) throws(PlanError) -> PlanEstimate {
    var job = Job()
    job.steps = configuration.training.steps
    job.isExecutableCached = executableCached
    if configuration.checkpoint.steps > 0 {
      job.stepsBetweenCheckpoints = configuration.checkpoint.steps
    }
    return try planEstimator.estimate(
      step.plan, job: job,
      evaluation: PlanEstimator.EvaluationShape(tensorParallel: step.plan.tensorParallel))
  }

  var planEstimator: PlanEstimator {
    PlanEstimator(
      topology, model: step.model, elementType: step.elementType,
      ioTiles: configuration.execution.ioTiles,
      // One for each IPU of a replica; a phased replica is one IPU.
      availableMemoryProportion: configuration.execution.availableMemoryProportion.first ?? 0.2,
      dropout: step.dropout, lora: step.lora)
  }
}
