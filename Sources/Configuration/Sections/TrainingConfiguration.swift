/// How to train; key `training`.
package struct TrainingConfiguration: Sendable, Equatable {
  /// Optimizer steps.
  package var steps = 1
  /// Sequences per optimizer step, over all replicas.
  package var globalBatchSize = 32
  package var stochasticRounding = true
  package var optimizer = OptimizerConfiguration()

  /// The reference's defaults (Graphcore examples, nlp/gpt_j/popxl/config/config.py).
  package init() {}

  init(_ section: MappingReader) throws(ConfigurationError) {
    var section = section
    steps = try section.int("steps", default: steps, in: 1...1_000_000_000)
    globalBatchSize = try section.int(
      "global_batch_size", default: globalBatchSize, in: 1...16_777_216)
    stochasticRounding = try section.bool("stochastic_rounding", default: stochasticRounding)
    optimizer = try OptimizerConfiguration(section.section("optimizer"))
    try section.finish()
  }

  var yaml: YAMLNode {
    YAMLNode([
      ("steps", YAMLNode(steps)),
      ("global_batch_size", YAMLNode(globalBatchSize)),
      ("stochastic_rounding", YAMLNode(stochasticRounding)),
      ("optimizer", optimizer.yaml),
    ])
  }
}

/// AdamW with clipping by global norm; key `training.optimizer`.
package struct OptimizerConfiguration: Sendable, Equatable {
  package enum Name: String, Sendable, CaseIterable {
    case adamw
  }

  /// Which parameters weight decay leaves alone; matrices it never does.
  package enum WeightDecayExclusions: String, Sendable, CaseIterable {
    /// As Hugging Face's Trainer.
    case biasesAndNorms = "biases_and_norms"
    /// As the reference in effect: it goes by "norm" and "bias" in a name, and GPT-J's layer norms
    /// are called `ln_1` and `ln_f`, so that their gains decay.
    case biases
    /// As `torch.optim.AdamW` over all parameters.
    case none
  }

  package var name = Name.adamw
  package var learningRate = LearningRateConfiguration()
  package var beta1 = 0.9
  package var beta2 = 0.999
  /// A constant of the reference's code, a setting here.
  package var epsilon = 1e-6
  package var weightDecay = 0.01
  package var weightDecayExclusions = WeightDecayExclusions.biasesAndNorms
  /// The largest global norm of the gradients.
  package var gradientClipping = 1.0

  package init() {}

  init(_ section: MappingReader) throws(ConfigurationError) {
    var section = section
    name = try section.choice("name", default: name)
    learningRate = try LearningRateConfiguration(section.section("learning_rate"))
    beta1 = try section.double("beta1", default: beta1, in: 0...0.999_999_999)
    beta2 = try section.double("beta2", default: beta2, in: 0...0.999_999_999)
    epsilon = try section.double("epsilon", default: epsilon, in: 1e-12...1)
    weightDecay = try section.double("weight_decay", default: weightDecay, in: 0...10)
    weightDecayExclusions = try section.choice(
      "weight_decay_exclusions", default: weightDecayExclusions)
    gradientClipping = try section.double(
      "gradient_clipping", default: gradientClipping, in: 1e-9...1e9)
    try section.finish()
  }

  var yaml: YAMLNode {
    YAMLNode([
      ("name", YAMLNode(name.rawValue)),
      ("learning_rate", learningRate.yaml),
      ("beta1", YAMLNode(beta1)),
      ("beta2", YAMLNode(beta2)),
      ("epsilon", YAMLNode(epsilon)),
      ("weight_decay", YAMLNode(weightDecay)),
      ("weight_decay_exclusions", YAMLNode(weightDecayExclusions.rawValue)),
      ("gradient_clipping", YAMLNode(gradientClipping)),
    ])
  }
}

/// Linear warm-up, then constant or falling; key `training.optimizer.learning_rate`.
package struct LearningRateConfiguration: Sendable, Equatable {
  /// What follows the warm-up; the reference only knows `none`.
  package enum Decay: String, Sendable, CaseIterable {
    case none
    /// Straight down to the minimum, which the step after the last would have.
    case linear
    /// Half a cosine down to the minimum, as transformers' `get_cosine_schedule_with_warmup`.
    case cosine
  }

  package var maximum = 0.01
  /// The share of the steps that warm up.
  package var warmupProportion = 0.0
  package var decay = Decay.none
  /// Where a decay ends; without one it is never reached.
  package var minimum = 0.0

  package init() {}

  init(_ section: MappingReader) throws(ConfigurationError) {
    var section = section
    maximum = try section.double("maximum", default: maximum, in: 0...10)
    warmupProportion = try section.double(
      "warmup_proportion", default: warmupProportion, in: 0...1)
    decay = try section.choice("decay", default: decay)
    minimum = try section.double("minimum", default: minimum, in: 0...10)
    try section.finish()
  }

  var yaml: YAMLNode {
    YAMLNode([
      ("maximum", YAMLNode(maximum)),
      ("warmup_proportion", YAMLNode(warmupProportion)),
      ("decay", YAMLNode(decay.rawValue)),
      ("minimum", YAMLNode(minimum)),
    ])
  }
}
