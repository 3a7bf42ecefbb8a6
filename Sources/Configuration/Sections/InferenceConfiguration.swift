/// How to generate; key `inference`.
package struct InferenceConfiguration: Sendable, Equatable {
  /// The most tokens of an answer.
  package var outputLength = 5

  /// The reference's default (Graphcore examples, nlp/gpt_j/popxl/config/config.py).
  package init() {}

  init(_ section: MappingReader) throws(ConfigurationError) {
    var section = section
    outputLength = try section.int("output_length", default: outputLength, in: 1...1_048_576)
    try section.finish()
  }

  var yaml: YAMLNode { YAMLNode([("output_length", YAMLNode(outputLength))]) }
}
