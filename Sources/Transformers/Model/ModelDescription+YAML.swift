package import Configuration
import Program

extension ModelDescription {
  /// Reads a description strictly: every key known, every number within reach of what could be built.
  package init(_ node: YAMLNode) throws(ConfigurationError) {
    var root = try MappingReader(node, sectionsOfKey: Self.sectionsOfKey)
    let name = try root.string("name")
    summary = try root.string("description")
    source = try root.string("source")
    let model = try TransformerModel(&root, name: name)
    self.model = model
    var section = try root.mapping("plans")
    var plans: [NamedPlan] = []
    for name in section.keys {
      var reader = try section.mapping(name)
      plans.append(try NamedPlan(&reader, name: name, model: model))
      try reader.finish()
    }
    guard !plans.isEmpty else {
      throw ConfigurationError(
        .missingKey, at: root.place(of: "plans"), "plans is empty", expected: "at least one plan")
    }
    self.plans = plans
    try section.finish()
    try root.finish()
  }

  /// Keys that are easily put into the wrong section.
  private static let sectionsOfKey: [String: [String]] = [
    "layers": ["model"], "hidden_size": ["model"], "heads": ["model"],
    "vocabulary_size": ["model"], "architecture": ["model"],
  ]
}

extension TransformerModel {
  /// The limits are far around any model, so that a slipped digit is found.
  fileprivate init(_ root: inout MappingReader, name: String) throws(ConfigurationError) {
    var section = try root.mapping("model")
    self.name = name
    architecture = try section.choice("architecture")
    layers = try section.int("layers", in: 1...4096)
    hiddenSize = try section.int("hidden_size", in: 1...1 << 18)
    heads = try section.int("heads", in: 1...4096)
    keyValueHeads = try section.int("key_value_heads", default: heads, in: 1...heads)
    headSize = try section.int("head_size", default: max(1, hiddenSize / heads), in: 1...1 << 16)
    feedForwardSize = try section.int("feed_forward_size", in: 1...1 << 20)
    vocabularySize = try section.int("vocabulary_size", in: 1...1 << 24)
    activation = try section.choice("activation", default: .gelu)
    isGated = try section.bool("gated", default: false)
    residual = try section.choice("residual", default: .sequential)
    norm = try section.choice("norm", default: .layer)
    normPosition = try section.choice("norm_position", default: .before)
    positions = try section.choice("positions")
    positionRows =
      positions == .rotary ? 0 : try section.int("position_rows", in: 1...1 << 20)
    rotarySize = positions == .rotary ? try section.int("rotary_size", in: 1...headSize) : 0
    tokenTypes = try section.int("token_types", default: 0, in: 0...1024)
    isHeadTied = try section.bool("head_tied", default: true)
    hasHeadBias = try section.bool("head_bias", default: false)
    hasHeadTransform = try section.bool("head_transform", default: false)
    hasPooler = try section.bool("pooler", default: false)
    hasAttentionBias = try section.bool("attention_bias", default: true)
    hasFeedForwardBias = try section.bool("feed_forward_bias", default: true)
    try check(section)
    try section.finish()
  }

  private func check(_ section: MappingReader) throws(ConfigurationError) {
    func require(
      _ condition: Bool, _ key: String, _ what: String, expected: String
    ) throws(ConfigurationError) {
      guard !condition else { return }
      throw ConfigurationError(
        .inconsistent, at: section.place(of: key), "\(section.name(key)) is \(what)",
        expected: expected)
    }
    try require(
      heads % keyValueHeads == 0, "key_value_heads", "\(keyValueHeads)",
      expected: "a divisor of the \(heads) heads")
    try require(
      residual == .sequential || (normPosition == .before && architecture != .encoderDecoder),
      "residual", "parallel", expected: "sequential with norms after the sums or two stacks")
    try require(
      normPosition == .before || architecture != .encoderDecoder, "norm_position", "after",
      expected: "before, in an encoder_decoder")
    try require(
      positions == .relative || architecture != .encoderDecoder, "positions",
      positions.rawValue, expected: "relative, in an encoder_decoder")
    try require(
      !isHeadTied || architecture != .encoderDecoder, "head_tied", "true",
      expected: "false, in an encoder_decoder")
  }
}

extension ModelDescription.NamedPlan {
  fileprivate init(
    _ reader: inout MappingReader, name: String, model: TransformerModel
  ) throws(ConfigurationError) {
    self.name = name
    source = try reader.string("source")
    topology = try reader.string("topology")
    plan = try ExecutionPlan(&reader, model)
  }
}

extension ExecutionPlan {
  fileprivate init(
    _ reader: inout MappingReader, _ model: TransformerModel
  ) throws(ConfigurationError) {
    let batches = 1...1 << 24
    let ranks = 1...65_536
    execution = try reader.choice("execution", default: .phased)
    task = try reader.choice("task", default: .training)
    sequenceLength = try reader.int("sequence_length", in: 1...1 << 20)
    microBatchSize = try reader.int("micro_batch_size", default: 1, in: 1...65_536)
    globalBatchSize =
      task == .training ? try reader.int("global_batch_size", in: batches) : microBatchSize
    tensorParallel = try reader.int("tensor_parallel", default: 1, in: ranks)
    attentionTensorParallel = try reader.int(
      "attention_tensor_parallel", default: tensorParallel, in: ranks)
    dataParallel = try reader.int("data_parallel", default: 1, in: ranks)
    ioTiles = try reader.int("io_tiles", default: 128, in: 0...65_536)
    availableMemoryProportion = try reader.double(
      "available_memory_proportion", default: 0.2, in: 0.01...1)
    attentionSerialisation = try reader.int("attention_serialisation", default: 1, in: ranks)
    predictions = try reader.int("predictions", default: 0, in: 0...1 << 20)
    hasDropout = try reader.bool("dropout", default: false)
    hasAttentionDropout = try reader.bool("attention_dropout", default: false)
    recomputeClosingCollectives = try reader.bool("recompute_closing_collectives", default: false)
    elementType = try reader.choice("precision", default: Precision.float16).elementType
    optimizer = try reader.choice("optimizer", default: .adamw)
    isOptimizerStateStreamed = try reader.bool("optimizer_state_streamed", default: true)
    stages = []
    if execution == .pipeline {
      for var stage in try reader.mappings("stages") {
        stages.append(try PipelineStage(&stage))
        try stage.finish()
      }
    }
    if let reason = illegality(for: model) {
      throw ConfigurationError(.inconsistent, at: reader.place, reason.description)
    }
  }

  private enum Precision: String, CaseIterable {
    case float16, float32

    var elementType: ElementType { self == .float16 ? .float16 : .float32 }
  }
}

extension PipelineStage {
  fileprivate init(_ reader: inout MappingReader) throws(ConfigurationError) {
    let halves = 0...4096
    ipu = try reader.int("ipu", in: 0...4095)
    let layers = try reader.int("layers", default: 0, in: halves)
    attentions = try reader.int("attentions", default: layers, in: halves)
    feedForwards = try reader.int("feed_forwards", default: layers, in: halves)
    hasEmbedding = try reader.bool("embedding", default: false)
    hasHead = try reader.bool("head", default: false)
  }
}
