import FoundationEssentials
import Testing

@testable import Configuration

@Suite("Resolving a configuration")
struct ResolverTests {
  private let pod16 = "gptj_6B_1024_pod16"

  private func override(_ assignment: String) throws -> ConfigurationOverride {
    try ConfigurationOverride(assignment: assignment)
  }

  /// The error of resolving a fine-tuning configuration with these `--set` values.
  private func failure(
    _ assignments: String..., environment: [String: String] = [:], preset: String? = nil
  ) -> ConfigurationError? {
    #expect(throws: ConfigurationError.self) {
      let overrides = try assignments.map { try override($0) }
      let resolver = ConfigurationResolver(
        preset ?? pod16, environment: environment, overrides: overrides)
      _ = try resolver.resolve(FineTuningConfiguration.self)
    }
  }

  /// The error of reading a fine-tuning configuration from a text.
  private func failure(text: String) -> String {
    #expect(throws: ConfigurationError.self) {
      try FineTuningConfiguration.decode(YAMLNode.parse(text: text, file: "f.yml"))
    }?.description ?? "no error"
  }

  @Test("A flag wins over the environment, that over the file, that over the default")
  func precedence() throws {
    let resolver = ConfigurationResolver(
      pod16,
      environment: [
        "GPTJ_BENCH_MODEL_LAYERS": "3", "GPTJ_BENCH_TRAINING_STEPS": "7", "PATH": "/bin",
        "GPTJ_BENCH_TEST_DATA": "/data", "GPTJ_BENCH_JOBS": "2",
        "GPTJ_BENCH_INFERENCE_OUTPUT_LENGTH": "9",
      ],
      otherVariables: ["GPTJ_BENCH_JOBS"],
      overrides: [try override("model.layers=4"), try override("model.layers=2")])
    let configuration = try resolver.resolve(FineTuningConfiguration.self)
    #expect(configuration.model.layers == 2)
    #expect(configuration.training.steps == 7)
    #expect(configuration.model.sequenceLength == 1024)
    #expect(configuration.training.optimizer.beta1 == 0.9)
  }

  @Test("An override can make a section and takes lists, strings and null")
  func overrideValues() throws {
    let resolver = ConfigurationResolver(
      pod16,
      overrides: [
        try override("checkpoint.save=runs/a: b # c"), try override("checkpoint.steps=100"),
        try override("execution.available_memory_proportion=[0.1, 0.3]"),
        try override("checkpoint.load=\"5\""), try override("model.precision=float32"),
        try override("training.optimizer.learning_rate.maximum=1e-3"),
      ])
    let configuration = try resolver.resolve(FineTuningConfiguration.self)
    #expect(configuration.checkpoint.save == "runs/a: b # c")
    #expect(configuration.checkpoint.load == "5")
    #expect(configuration.execution.availableMemoryProportion == [0.1, 0.3])
    #expect(configuration.model.precision == .float32)
    #expect(configuration.training.optimizer.learningRate.maximum == 1e-3)
  }

  @Test(
    "A wrong override names its flag",
    arguments: [
      ("model.layers=two", "model.layers is the string 'two', expected an integer from 1 to 10000"),
      ("model.layers=0", "model.layers is the number '0', expected an integer from 1 to 10000"),
      ("model.layers=99999999999999999999", "expected an integer from 1 to 10000"),
      ("model.layer=2", "the unknown key 'model.layer', expected one of layers, "),
      ("model.layer=2", "did you mean 'layers'?"),
      ("layers=2", "the key 'layers' belongs to model, did you mean 'model.layers'?"),
      ("model.layers.x=2", "'model.layers.x' passes through the number '28', expected a section"),
      ("model=2", "model is the number '2', expected a mapping"),
      ("model..layers=2", "the unknown setting 'model..layers'"),
      ("execution.available_memory_proportion=[0.1", "did not find expected ',' or ']'"),
      ("execution.available_memory_proportion=0.1", "is the number '0.1', expected a list"),
      ("model.precision=float8", "expected one of float16, bfloat16, float32"),
      ("training.optimizer.beta1=.nan", "is the number '.nan', expected a number from"),
      ("checkpoint.optim_state=yes", "is the string 'yes', expected true or false"),
    ])
  func wrongOverride(assignment: String, message: String) {
    let error = failure(assignment)
    #expect(error?.description.hasPrefix("--set \(assignment): ") == true, "\(error as Any)")
    #expect(error?.description.contains(message) == true, "\(error as Any)")
    #expect(error?.exitStatus == 64)
  }

  @Test("A text without a key or an equals sign is no override", arguments: ["a", "=2", ""])
  func noAssignment(text: String) {
    let error = #expect(throws: ConfigurationError.self) {
      try ConfigurationOverride(assignment: text)
    }
    #expect(
      error?.description
        == "--set \(text): no setting, expected KEY=VALUE, such as model.layers=2")
  }

  @Test("A wrong variable is named, and an unknown one with the nearest")
  func wrongVariable() {
    #expect(
      failure(environment: ["GPTJ_BENCH_MODEL_LAYERS": "x"])?.description
        == "GPTJ_BENCH_MODEL_LAYERS: model.layers is the string 'x', "
        + "expected an integer from 1 to 10000")
    #expect(
      failure(environment: ["GPTJ_BENCH_MODEL_LAYER": "2"])?.description
        == "GPTJ_BENCH_MODEL_LAYER: this variable sets nothing, "
        + "did you mean 'GPTJ_BENCH_MODEL_LAYERS'?")
  }

  @Test("Every setting has its own variable")
  func variables() {
    let paths = Set(FineTuningConfiguration.settings + InferenceSessionConfiguration.settings)
    #expect(Set(paths.map(ConfigurationEnvironment.variable)).count == paths.count)
    #expect(paths.count > 30)
  }

  @Test("Every setting can be overridden by its own path")
  func settings() throws {
    let configuration: FineTuningConfiguration = try ConfigurationResolver(pod16).resolve()
    for path in FineTuningConfiguration.settings {
      var node: YAMLNode? = configuration.yaml
      for key in path.split(separator: ".") { node = node?[String(key)] }
      let printed = try #require(node).printed().dropLast()
      let resolver = ConfigurationResolver(pod16, overrides: [try override("\(path)=\(printed)")])
      #expect(try resolver.resolve() == configuration, "\(path)")
    }
  }

  @Test(
    "A key of the reference's notebook in the wrong section is answered with the right one",
    arguments: [
      ("beta1", "0.9"), ("beta2", "0.999"), ("weight_decay", "0.0"), ("gradient_clipping", "1.0"),
    ])
  func wrongSection(key: String, value: String) {
    let text = """
      training:
        optimizer:
          learning_rate:
            maximum: 5e-06
            \(key): \(value)
      """
    #expect(
      failure(text: text)
        == "f.yml:5:7: the key 'training.optimizer.learning_rate.\(key)' belongs to "
        + "training.optimizer, did you mean 'training.optimizer.\(key)'?")
  }

  @Test(
    "A wrong file is refused at the line of the mistake",
    arguments: [
      (
        "model:\n  layers: 2\n  layer: 3\n",
        "f.yml:3:3: the unknown key 'model.layer', expected one of layers, hidden_size, "
          + "sequence_length, eval, dropout_prob, precision, seed, initializer_range, embedding, attention, "
          + "did you mean 'layers'?"
      ),
      (
        "training:\n  optimizer:\n    optimizer: adamw\n",
        "f.yml:3:5: the unknown key 'training.optimizer.optimizer', expected one of name, "
          + "learning_rate, beta1, beta2, epsilon, weight_decay, weight_decay_exclusions, "
          + "gradient_clipping"
      ),
      (
        "model:\n  training: {steps: 1}\n",
        "f.yml:2:3: the key 'model.training' belongs to the top level, did you mean 'training'?"
      ),
      (
        "model: {steps: 1}\n",
        "f.yml:1:9: the key 'model.steps' belongs to training or checkpoint"
      ),
      (
        "execution: {group_quantise_weights: 64}\n",
        "f.yml:1:13: the unknown key 'execution.group_quantise_weights', expected one of "
          + "micro_batch_size, data_parallel, tensor_parallel, pipeline_parallel, "
          + "pipeline_interleave, device_iterations, io_tiles, "
          + "available_memory_proportion, loss_scaling, automatic_loss_scaling, "
          + "loss_scaling_period, code_load, attention_serialisation, head_serialisation, "
          + "recompute, recompute_closing_collectives, fuse_all_reduces, io_mode, "
          + "sequence_sharding, state_sharding, matmul_partials, collective_type, state_type"
      ),
      ("model:\n", "f.yml:1:7: model is null, expected a mapping"),
      (
        "model:\n  hidden_size: 100\n  attention: {heads: 16}\n",
        "f.yml:3:22: model.hidden_size 100 is not a multiple of model.attention.heads 16, "
          + "expected a hidden_size of 96 or 112"
      ),
      (
        "model:\n  attention: {rotary_dim: 63}\n",
        "f.yml:2:27: model.attention.rotary_dim is 63, expected an even number up to the head "
          + "size, hidden_size / heads = 256"
      ),
      (
        "model:\n  attention: {rotary_dim: 258}\n",
        "f.yml:2:27: model.attention.rotary_dim is 258, expected an even number up to the head "
          + "size, hidden_size / heads = 256"
      ),
      (
        "model: {sequence_length: 5}\nexecution: {attention_serialisation: 2}\n",
        "f.yml:1:26: model.sequence_length 5 is not a multiple of "
          + "execution.attention_serialisation 2, expected a sequence_length of 4 or 6"
      ),
      (
        "model: {sequence_length: 5}\nexecution: {head_serialisation: 3, micro_batch_size: 4}\n",
        "f.yml:2:33: execution.head_serialisation 3 does not divide the 20 tokens of "
          + "execution.micro_batch_size 4 x model.sequence_length 5, "
          + "expected a head_serialisation of 2 or 4"
      ),
      (
        "training: {global_batch_size: 100}\nexecution: {data_parallel: 4, micro_batch_size: 3}\n",
        "f.yml:1:31: training.global_batch_size is 100, expected a multiple of "
          + "data_parallel x micro_batch_size = 4 x 3: 96 or 108"
      ),
      (
        "training: {optimizer: {learning_rate: {maximum: 1e-3, minimum: 0.1}}}\n",
        "f.yml:1:64: training.optimizer.learning_rate.minimum is 0.1, "
          + "expected at most learning_rate.maximum 0.001"
      ),
      (
        "training: {optimizer: {weight_decay_exclusions: norms}}\n",
        "f.yml:1:49: training.optimizer.weight_decay_exclusions is 'norms', "
          + "expected one of biases_and_norms, biases, none"
      ),
      (
        "checkpoint: {steps: 100}\n",
        "f.yml:1:21: checkpoint.steps is 100 and nothing says where to, "
          + "expected a directory in checkpoint.save"
      ),
      (
        "model: {layers: 10000, hidden_size: 1048576, attention: {heads: 16}}\n",
        "f.yml:1:17: one step is about"
      ),
      (
        "training: {steps: 1000000000, global_batch_size: 16777216}\n"
          + "model: {layers: 1, sequence_length: 1024, hidden_size: 2, embedding: {vocab_size: 1},"
          + " attention: {heads: 1, rotary_dim: 2}}\n",
        "f.yml:1:19: the whole run has 1.7"
      ),
    ])
  func wrongFile(text: String, message: String) {
    #expect(failure(text: text).hasPrefix(message), "\(failure(text: text))")
  }

  @Test("A contradiction is blamed on the flag that made it")
  func blame() {
    #expect(
      failure("execution.data_parallel=3")?.description
        == "--set execution.data_parallel=3: training.global_batch_size is 128, "
        + "expected a multiple of data_parallel x micro_batch_size = 3 x 1: 126 or 129")
  }

  @Test(
    "Inference is refused where the reference refuses it",
    arguments: [
      ("execution.data_parallel=2", "execution.data_parallel is 2, expected 1 for inference"),
      ("model.eval=false", "model.eval is false, expected true for inference"),
      ("inference.output_length=8", "expected less than model.sequence_length 8"),
      ("training.steps=8", "the unknown key 'training'"),
    ])
  func inference(assignment: String, message: String) throws {
    let resolver = ConfigurationResolver("tiny", overrides: [try override(assignment)])
    let error = #expect(throws: ConfigurationError.self) {
      try resolver.resolve(InferenceSessionConfiguration.self)
    }
    #expect(error?.description.contains(message) == true, "\(error as Any)")
  }

  @Test("An unknown preset is answered with the nearest")
  func unknownPreset() {
    let error = failure(preset: "gptj_6B_1024_pod61")
    #expect(
      error?.description
        == "--config gptj_6B_1024_pod61: no preset 'gptj_6B_1024_pod61', expected one of "
        + "gptj_6B_1024_pod64, gptj_6B_1024_pod16, tiny, entailment, or a path of a .yml file, "
        + "did you mean 'gptj_6B_1024_pod64'?")
    #expect(error?.exitStatus == 64)
  }

  @Test("A configuration that code has changed can be checked again")
  func checkedByCode() throws {
    var configuration: FineTuningConfiguration = try ConfigurationResolver(pod16).resolve()
    try configuration.check()
    configuration.execution.dataParallel = 3
    let error = #expect(throws: ConfigurationError.self) { try configuration.check() }
    #expect(
      error?.description.hasPrefix("configuration: training.global_batch_size is 128") == true)
  }

  @Test("A file is one configuration, or presets of which one is named")
  func files() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "gptj-bench-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func write(_ name: String, _ text: String) throws -> String {
      let file = folder.appending(path: name)
      try Data(text.utf8).write(to: file)
      return file.path
    }
    let printed = try write("one.yml", FineTuningConfiguration().printYAML())
    let single = try write("single.yml", "release: {a: {model: {layers: 2}}}\n")
    let several = try write(
      "several.yml", "release: {a: {}, b: {training: {steps: 9}}, c: {model: {layer: 2}}}\n")
    func resolve(_ source: String) throws -> FineTuningConfiguration {
      try ConfigurationResolver(source).resolve()
    }
    func failure(_ source: String) -> ConfigurationError? {
      #expect(throws: ConfigurationError.self) { try resolve(source) }
    }
    #expect(try resolve(printed) == FineTuningConfiguration())
    #expect(try resolve(single).model.layers == 2)
    #expect(try resolve(several + ":b").training.steps == 9)
    #expect(
      failure(several)?.description
        == "--config \(several): the file has 3 presets, expected FILE:PRESET with one of "
        + "'a', 'b', 'c'")
    #expect(failure(several + ":c")?.description.hasPrefix("\(several):1:57: the unknown") == true)
    #expect(failure(printed + ":b")?.cause == .unknownName)
    #expect(failure(several + ":d")?.cause == .unknownName)
    let missing = folder.appending(path: "missing.yml").path
    #expect(
      failure(missing)?.description == "\(missing): cannot read it: No such file or directory")
    #expect(failure(missing)?.exitStatus == 66)
    #expect(failure(folder.path)?.description == "\(folder.path): cannot read it: Is a directory")
    #expect(failure("/dev/zero")?.description.contains("the file is too large") == true)
  }
}
