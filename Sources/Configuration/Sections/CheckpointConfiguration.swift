/// What to load and what to save; key `checkpoint`.
package struct CheckpointConfiguration: Sendable, Equatable {
  /// The checkpoint to start from.
  package var load: String?
  /// The directory to save into.
  package var save: String?
  /// Steps between checkpoints; 0 saves only the last one.
  package var steps = 0
  /// How many of a run's checkpoints stay.
  package var toKeep = 4
  package var optimState = true

  /// The reference's defaults (Graphcore examples, nlp/gpt_j/popxl/config/config.py).
  package init() {}

  init(_ section: MappingReader) throws(ConfigurationError) {
    var section = section
    load = try section.optionalString("load")
    save = try section.optionalString("save")
    steps = try section.int("steps", default: steps, in: 0...1_000_000_000)
    toKeep = try section.int("to_keep", default: toKeep, in: 1...1_000_000)
    optimState = try section.bool("optim_state", default: optimState)
    try section.finish()
  }

  var yaml: YAMLNode {
    YAMLNode([
      ("load", YAMLNode(load)),
      ("save", YAMLNode(save)),
      ("steps", YAMLNode(steps)),
      ("to_keep", YAMLNode(toKeep)),
      ("optim_state", YAMLNode(optimState)),
    ])
  }
}
