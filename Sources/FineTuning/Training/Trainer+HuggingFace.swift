package import Checkpoints
package import Configuration
package import Datasets
import GPTJ
import Program

/// Models from and to Hugging Face's directories.
extension Trainer {
  /// Takes the weights of a directory, one tensor at a time, each straight into its shards; adapters
  /// start at ones that change nothing yet.
  ///
  /// - Throws: `CheckpointError` when its model is not the configured one, or a weight is not finite.
  package func load(_ directory: HuggingFaceDirectory) throws {
    try directory.config.check(configuration.model, directory: directory.path)
    initializeAdapters()
    try transfer.write(transfer.parameters.ofModel, to: emulator) { name in
      try directory.floats(of: name)
    }
  }

  /// Writes the weights as they are now, adapters merged in, with the tokenizer, as a directory that
  /// `from_pretrained` loads; then reads them back and compares the bits.
  ///
  /// Float16 weights are written as such, unless adapters are merged in: either is exact.
  /// Holds one tensor and its file's copy.
  /// - Throws: `CheckpointError` or `DatasetsError`; nothing is left at `path` then.
  package func export(to path: String, tokenizer: Tokenizer) throws {
    let config = GPTJConfig(configuration.model)
    try HuggingFaceDirectory.write(
      config, as: step.elementType == .float16 && step.lora == nil ? .float16 : .float32,
      endOfText: Int(tokenizer.endOfTextID), to: path,
      values: { weight($0) }
    ) { folder in
      try tokenizer.write(to: folder)
      let written = try HuggingFaceDirectory(path: folder)
      for tensor in config.tensors {
        guard try written.floats(of: tensor.name).elementsEqual(weight(tensor.name)) else {
          throw CheckpointError.malformedTensor(
            file: folder, tensor: tensor.name, expected: "the values that were written")
        }
      }
    }
  }
}

extension GPTJConfig {
  /// The model of a configuration; it was made for the sequences that it is trained on.
  package init(_ model: ModelConfiguration) {
    self.init(
      layers: model.layers, hidden: model.hiddenSize, heads: model.attention.heads,
      positions: model.sequenceLength, rotary: model.attention.rotaryDim,
      vocabulary: model.embedding.vocabSize)
  }

  /// The settings that give a configuration this model's sizes; `file` is the place of their errors.
  package func overrides(file: String) -> [ConfigurationOverride] {
    [
      ("model.layers", layers), ("model.hidden_size", hidden), ("model.attention.heads", heads),
      ("model.attention.rotary_dim", rotary), ("model.embedding.vocab_size", vocabulary),
    ].map { ConfigurationOverride(path: $0, value: String($1), origin: file) }
  }

  /// - Throws: `CheckpointError` naming the first key in which a configured model differs.
  func check(_ model: ModelConfiguration, directory: String) throws(CheckpointError) {
    let file = directory + "/config.json"
    let configured = GPTJConfig(model)
    for (key, found, expected) in [
      ("n_layer", layers, configured.layers), ("n_embd", hidden, configured.hidden),
      ("n_head", heads, configured.heads), ("rotary_dim", rotary, configured.rotary),
      ("vocab_size", vocabulary, configured.vocabulary),
    ] where found != expected {
      throw .configuration(
        file: file, key: key, found: "\(found)", expected: "\(expected), as configured")
    }
    guard model.attention.rotaryPositionalEmbeddingsBase == 10_000 else {
      throw .configuration(
        file: file, key: "the base of its rotary embedding", found: "10000",
        expected: "\(model.attention.rotaryPositionalEmbeddingsBase), as configured")
    }
    guard positions >= configured.positions else {
      throw .configuration(
        file: file, key: "n_positions", found: "\(positions)",
        expected: "at least model.sequence_length, \(configured.positions)")
    }
  }
}
