package import CostModel
package import GPTJ
package import Program
package import Topology

/// Estimates sharding plans of one model on one topology: builds their Programs and times them.
package struct PlanEstimator: Sendable {
  package let topology: PodTopology
  package let model: GPTJModel
  package let elementType: ElementType
  /// The training step's, nil for none.
  package let dropout: TrainingStep.Dropout?
  package let lora: LoRA?
  /// Of a tile's memory, what a product may use beside its operands.
  package let availableMemoryProportion: Double
  private let ioTiles: Int
  let timed: Estimator

  /// `elementType` is that of weights, gradients and activations; `ioTiles` of each IPU's tiles do
  /// not compute, and products may use `availableMemoryProportion` of a tile beside their operands
  /// (the configuration's `io_tiles` and `available_memory_proportion`).
  package init(
    _ topology: PodTopology, model: GPTJModel, elementType: ElementType = .float16,
    ioTiles: Int = 128, availableMemoryProportion: Double = 0.2,
    dropout: TrainingStep.Dropout? = nil, lora: LoRA? = nil
  ) {
    self.topology = topology
    self.model = model
    self.elementType = elementType
    self.dropout = dropout
    self.lora = lora
    self.ioTiles = ioTiles
    self.availableMemoryProportion = availableMemoryProportion
    timed = Estimator(
      topology, ioTiles: ioTiles, availableMemoryProportion: availableMemoryProportion)
  }

  /// The evaluation's generative pass: as many sequences at once, each of so many tokens.
  package struct EvaluationShape: Sendable, Equatable {
    package var sequenceLength: Int
    package var microBatchSize: Int
    package var tensorParallel: Int

    /// The reference's: the longest prompt of 224 tokens and 5 more, in 16 slots.
    package init(sequenceLength: Int = 229, microBatchSize: Int = 16, tensorParallel: Int) {
      self.sequenceLength = sequenceLength
      self.microBatchSize = microBatchSize
      self.tensorParallel = tensorParallel
    }
  }

  /// Estimates a whole job, without `evaluation` one that generates nothing.
  ///
  /// Where it does not fit, its memory names changes after which it would.
  ///
  /// - Throws: `PlanError` where the plan cannot split the model or needs more IPUs than there are.
  package func estimate(
    _ plan: ParallelPlan, job: Job = Job(), evaluation: EvaluationShape? = nil
  ) throws(PlanError) -> PlanEstimate {
    let program = try program(plan)
    var pass: (program: Program, slots: Int)?
    if let evaluation {
      pass = (try inferencePass(evaluation), evaluation.microBatchSize)
    }
    var estimate = timed.estimate(
      job, training: program, pass: pass)
    let remedies = estimate.memory.fits ? [] : remedies(for: plan)
    estimate.memory.remedies = remedies.map(\.description)
    return PlanEstimate(plan: plan, model: model, job: estimate, remedies: remedies)
  }

  /// The step alone, with its interval.
  package func step(_ plan: ParallelPlan) throws(PlanError) -> StepEstimate {
    timed.estimate(try program(plan))
  }

  package func memory(_ plan: ParallelPlan) throws(PlanError) -> MemoryFit {
    timed.memory(of: try program(plan))
  }

  /// What the step's operations cost, the dearest first.
  package func explain(_ plan: ParallelPlan) throws(PlanError) -> Explanation {
    timed.explain(try program(plan))
  }

  /// The same on another topology, or with another memory proportion of products.
  func with(
    topology: PodTopology? = nil, availableMemoryProportion: Double? = nil
  ) -> PlanEstimator {
    PlanEstimator(
      topology ?? self.topology, model: model, elementType: elementType, ioTiles: ioTiles,
      availableMemoryProportion: availableMemoryProportion ?? self.availableMemoryProportion,
      dropout: dropout, lora: lora)
  }

  /// One generative pass, on the pod.
  package func pass(_ shape: EvaluationShape) throws(PlanError) -> StepEstimate {
    timed.estimate(try inferencePass(shape))
  }

  func program(
    _ plan: ParallelPlan, _ part: TrainingStep.Part = .whole
  ) throws(PlanError) -> Program {
    let (ofStage, first) = plan.tensorParallel.multipliedReportingOverflow(by: plan.dataParallel)
    let (ranks, second) = ofStage.multipliedReportingOverflow(by: plan.pipelineParallel)
    guard !first, !second, ranks <= topology.ipus else {
      throw .tooManyRanks(
        ranks: first || second ? .max : ranks, ipus: topology.ipus, topology: topology.name)
    }
    let adamW = Operation.AdamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0)
    return try TrainingStep(
      model: model, plan: plan,
      optimizer: TrainingStep.Optimizer(adamW: adamW, gradientClipping: 1),
      elementType: elementType, dropout: dropout, lora: lora
    ).program(part)
  }

  private func inferencePass(_ shape: EvaluationShape) throws(PlanError) -> Program {
    guard shape.tensorParallel <= topology.ipus else {
      throw .tooManyRanks(
        ranks: shape.tensorParallel, ipus: topology.ipus, topology: topology.name)
    }
    var model = model
    model.sequenceLength = shape.sequenceLength
    return try InferencePass(
      model: model, tensorParallel: shape.tensorParallel, microBatchSize: shape.microBatchSize,
      elementType: elementType
    ).program()
  }
}

/// A plan with all that is estimated about it.
package struct PlanEstimate: Sendable, Equatable {
  package let plan: ParallelPlan
  package let model: GPTJModel
  package let job: JobEstimate
  /// Plans that fit, where this one does not.
  package let remedies: [Remedy]

  package var tokensPerStep: Int { plan.globalBatchSize * model.sequenceLength }
  package var tokensPerSecond: Double {
    job.step.tokensPerSecond(tokensPerStep: tokensPerStep)
  }
}
