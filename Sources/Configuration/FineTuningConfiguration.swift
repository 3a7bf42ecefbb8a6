/// All settings of a fine-tuning run.
package struct FineTuningConfiguration: Sendable, Equatable {
  package var model = ModelConfiguration()
  package var task = TaskConfiguration()
  package var training = TrainingConfiguration()
  package var execution = ExecutionConfiguration()
  package var checkpoint = CheckpointConfiguration()
  package var lora = LoRAConfiguration()

  package init() {}

  /// Micro-batches per replica and step.
  ///
  /// Exact when ``check(_:)`` passes.
  package var gradientAccumulation: Int {
    training.globalBatchSize / (execution.dataParallel * execution.microBatchSize)
  }

  package var ipus: Int {
    execution.dataParallel * execution.tensorParallel * execution.pipelineParallel
  }
}

extension FineTuningConfiguration: ConfigurationDocument {
  package static let presetFile = PresetFile(
    name: "finetuning.yml", bytes: PackageResources.finetuning_yml)

  package init(_ root: MappingReader) throws(ConfigurationError) {
    var root = root
    model = try ModelConfiguration(root.section("model"))
    task = try TaskConfiguration(root.section("task"))
    training = try TrainingConfiguration(root.section("training"))
    execution = try ExecutionConfiguration(root.section("execution"))
    checkpoint = try CheckpointConfiguration(root.section("checkpoint"))
    lora = try LoRAConfiguration(root.section("lora"))
    try root.finish()
  }

  package var yaml: YAMLNode {
    YAMLNode([
      ("model", model.yaml),
      ("task", task.yaml),
      ("training", training.yaml),
      ("execution", execution.yaml),
      ("checkpoint", checkpoint.yaml),
      ("lora", lora.yaml),
    ])
  }

  package func check(_ checker: ConfigurationChecker) throws(ConfigurationError) {
    try checker.checkModel(model, execution)
    try checker.checkTask(task, model)
    try checker.checkBatch(training, execution)
    try checker.checkHead(model, execution)
    try checker.checkLearningRate(training.optimizer.learningRate)
    try checker.checkCheckpoint(checkpoint)
    try checker.checkLoRA(lora, model)
    try checker.checkWork(model, lora, sequences: training.globalBatchSize)
    try checker.checkTokens(model, training)
  }
}
