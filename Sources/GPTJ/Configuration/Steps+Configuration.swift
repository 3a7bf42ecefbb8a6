package import Configuration
package import Program

extension ElementType {
  package init(_ precision: Precision) {
    self =
      switch precision {
      case .float16: .float16
      case .bfloat16: .bfloat16
      case .float32: .float32
      }
  }
}

extension TrainingStep {
  /// The step of a fine-tuning configuration, in its precision.
  ///
  /// - Throws: `PlanError` where its plan cannot split its model or batch.
  package init(_ configuration: FineTuningConfiguration) throws(PlanError) {
    let optimizer = configuration.training.optimizer
    let probability = configuration.model.eval ? 0 : configuration.model.dropoutProb
    self.init(
      model: GPTJModel(configuration.model), plan: try ParallelPlan(configuration),
      optimizer: Optimizer(
        adamW: Operation.AdamW(
          beta1: optimizer.beta1, beta2: optimizer.beta2, epsilon: optimizer.epsilon,
          weightDecay: optimizer.weightDecay,
          roundsStochastically: configuration.training.stochasticRounding),
        gradientClipping: optimizer.gradientClipping,
        decayExclusions: optimizer.weightDecayExclusions),
      lossScale: Double(configuration.execution.lossScaling),
      elementType: ElementType(configuration.model.precision),
      dropout: probability > 0
        ? Dropout(probability: probability, seed: configuration.model.seed) : nil,
      lora: LoRA(configuration.lora))
  }
}

extension InferencePass {
  /// The pass of an inference configuration, in its precision.
  package init(_ configuration: InferenceSessionConfiguration) {
    self.init(
      model: GPTJModel(configuration.model),
      tensorParallel: configuration.execution.tensorParallel,
      microBatchSize: configuration.execution.microBatchSize,
      elementType: ElementType(configuration.model.precision))
  }
}
