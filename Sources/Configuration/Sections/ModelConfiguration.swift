/// The element type of weights and activations.
package enum Precision: String, Sendable, CaseIterable {
  case float16
  case bfloat16
  case float32
}

/// What GPT-J to build; key `model`.
///
/// The upper limits here and in the other sections are far beyond any model, and low enough that
/// products of a few sizes stay within 64 bits; ``ConfigurationChecker`` bounds the work of a whole
/// step and the tokens of a whole run.
package struct ModelConfiguration: Sendable, Equatable {
  package var layers = 28
  package var hiddenSize = 4096
  package var sequenceLength = 2048
  package var eval = false
  package var dropoutProb = 0.0
  package var precision = Precision.float16
  package var seed = 42
  /// Standard deviation of random initial weights; Hugging Face's name and default, ours here.
  package var initializerRange = 0.02
  package var embedding = EmbeddingConfiguration()
  package var attention = AttentionConfiguration()

  /// The reference's defaults (Graphcore examples, nlp/gpt_j/popxl/config/config.py).
  package init() {}

  init(_ section: MappingReader) throws(ConfigurationError) {
    var section = section
    layers = try section.int("layers", default: layers, in: 1...10_000)
    hiddenSize = try section.int("hidden_size", default: hiddenSize, in: 1...1_048_576)
    sequenceLength = try section.int("sequence_length", default: sequenceLength, in: 1...1_048_576)
    eval = try section.bool("eval", default: eval)
    dropoutProb = try section.double("dropout_prob", default: dropoutProb, in: 0...0.99)
    precision = try section.choice("precision", default: precision)
    // 32 bits, as in NumPy, leave room for the counters that are added to it.
    seed = try section.int("seed", default: seed, in: 0...4_294_967_295)
    initializerRange = try section.double(
      "initializer_range", default: initializerRange, in: 0...10)
    embedding = try EmbeddingConfiguration(section.section("embedding"))
    attention = try AttentionConfiguration(section.section("attention"))
    try section.finish()
  }

  var yaml: YAMLNode {
    YAMLNode([
      ("layers", YAMLNode(layers)),
      ("hidden_size", YAMLNode(hiddenSize)),
      ("sequence_length", YAMLNode(sequenceLength)),
      ("eval", YAMLNode(eval)),
      ("dropout_prob", YAMLNode(dropoutProb)),
      ("precision", YAMLNode(precision.rawValue)),
      ("seed", YAMLNode(seed)),
      ("initializer_range", YAMLNode(initializerRange)),
      ("embedding", embedding.yaml),
      ("attention", attention.yaml),
    ])
  }
}

/// The word embedding and, untied from it, the head; key `model.embedding`.
package struct EmbeddingConfiguration: Sendable, Equatable {
  package var vocabSize = 50_400

  package init() {}

  init(_ section: MappingReader) throws(ConfigurationError) {
    var section = section
    vocabSize = try section.int("vocab_size", default: vocabSize, in: 1...16_777_216)
    try section.finish()
  }

  var yaml: YAMLNode { YAMLNode([("vocab_size", YAMLNode(vocabSize))]) }
}

/// Heads and rotary position embedding; key `model.attention`.
package struct AttentionConfiguration: Sendable, Equatable {
  package var heads = 16
  package var rotaryPositionalEmbeddingsBase = 10_000
  /// How many of a head's dimensions are rotated.
  package var rotaryDim = 64

  package init() {}

  init(_ section: MappingReader) throws(ConfigurationError) {
    var section = section
    heads = try section.int("heads", default: heads, in: 1...65_536)
    rotaryPositionalEmbeddingsBase = try section.int(
      "rotary_positional_embeddings_base", default: rotaryPositionalEmbeddingsBase,
      in: 2...1_000_000_000)
    rotaryDim = try section.int("rotary_dim", default: rotaryDim, in: 2...1_048_576)
    try section.finish()
  }

  var yaml: YAMLNode {
    YAMLNode([
      ("heads", YAMLNode(heads)),
      ("rotary_positional_embeddings_base", YAMLNode(rotaryPositionalEmbeddingsBase)),
      ("rotary_dim", YAMLNode(rotaryDim)),
    ])
  }
}
