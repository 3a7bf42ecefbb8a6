/// All settings of an inference session: generation or evaluation.
package struct InferenceSessionConfiguration: Sendable, Equatable {
  package var model = ModelConfiguration()
  package var execution = ExecutionConfiguration()
  package var inference = InferenceConfiguration()
  package var checkpoint = CheckpointConfiguration()

  package init() { model.eval = true }

  package var ipus: Int { execution.dataParallel * execution.tensorParallel }
}

extension InferenceSessionConfiguration: ConfigurationDocument {
  package static let presetFile = PresetFile(
    name: "inference.yml", bytes: PackageResources.inference_yml)

  package init(_ root: MappingReader) throws(ConfigurationError) {
    var root = root
    model = try ModelConfiguration(root.section("model"))
    execution = try ExecutionConfiguration(root.section("execution"))
    inference = try InferenceConfiguration(root.section("inference"))
    checkpoint = try CheckpointConfiguration(root.section("checkpoint"))
    try root.finish()
  }

  package var yaml: YAMLNode {
    YAMLNode([
      ("model", model.yaml),
      ("execution", execution.yaml),
      ("inference", inference.yaml),
      ("checkpoint", checkpoint.yaml),
    ])
  }

  package func check(_ checker: ConfigurationChecker) throws(ConfigurationError) {
    try checker.checkModel(model, execution)
    try checker.checkInference(model, execution, inference)
    try checker.checkCheckpoint(checkpoint)
    try checker.checkWork(model, sequences: execution.microBatchSize)
  }
}
