import ArgumentParsing
import CostModel
import ModelEstimates
import Topology
import Transformers

/// A described model, a pod, and the plan that joins them.
struct ModelWorkload {
  let model: TransformerModel
  let topology: PodTopology
  let plan: ExecutionPlan
  /// The named plan that it began with, and whether flags or the pod have changed it.
  let planName: String
  let isChanged: Bool
  let source: String

  /// What flags change in a plan.
  struct Changes {
    var sequenceLength: Int?
    var globalBatchSize: Int?
    var microBatch: Int?
    var tensorParallel: Int?
    var dataParallel: Int?
  }

  /// Joins a model with a pod; nil for the plan's own.
  ///
  /// Without a name the plan is the first one for the pod, else the model's first. Where neither the
  /// plan nor a flag says the data parallelism for this pod and width, it is all that fits.
  ///
  /// - Throws: `TopologyError` or `ConfigurationError`, naming the place.
  init(
    _ description: ModelDescription, planName: String?, topology name: String?, _ changes: Changes
  ) throws {
    model = description.model
    let named =
      try planName == nil
      ? description.plans.first { $0.topology == name } ?? description.plan(named: nil)
      : description.plan(named: planName)
    topology = try PodTopology.named(name ?? named.topology)
    var plan = named.plan
    if let length = changes.sequenceLength { plan.sequenceLength = length }
    if let batch = changes.globalBatchSize { plan.globalBatchSize = batch }
    if let batch = changes.microBatch { plan.microBatchSize = batch }
    if let ranks = changes.tensorParallel {
      (plan.tensorParallel, plan.attentionTensorParallel) = (ranks, ranks)
    }
    plan.predictions = min(plan.predictions, max(0, plan.sequenceLength))
    if plan.task == .generation { plan.globalBatchSize = plan.microBatchSize }
    let isAnotherPod = topology.name != named.topology
    if let ranks = changes.dataParallel {
      plan.dataParallel = ranks
    } else if plan.task == .training, isAnotherPod || changes.tensorParallel != nil {
      plan.dataParallel = max(1, topology.ipus / max(1, plan.ipusPerReplica))
    }
    self.plan = plan
    self.planName = named.name
    isChanged = plan != named.plan || isAnotherPod
    source = named.source
  }

  /// - Throws: `TransformerError` where the plan cannot run the model on this pod.
  func estimate(_ job: JobOptions) throws(TransformerError) -> ModelEstimate {
    var described = Job()
    if let steps = job.steps { described.steps = steps }
    described.isExecutableCached = job.executableCached
    return try ModelEstimator(topology).estimate(model, plan, job: described)
  }
}
