package import Checkpoints
import Datasets
package import Emulator

extension PretrainedModel {
  /// Writes the model, adapter merged in, and its tokenizer as a directory that `from_pretrained` loads.
  ///
  /// With `options` the directory is loaded again on emulated shards before it gets its name, and the
  /// log-probabilities of some tokens are compared; both models are held for that, one after the other.
  ///
  /// - Returns: The largest difference, 0 for float32; nil without `options`.
  /// - Throws: `CheckpointError` or `DatasetsError` for what cannot be read, held in `type` or written,
  ///   and what scoring throws; nothing is left at `path` then.
  package func export(
    to path: String, as type: FloatType, checking options: Emulator.Options?
  ) throws -> Double? {
    var difference: Double?
    try HuggingFaceDirectory.write(
      directory.config, as: type, endOfText: Int(tokenizer.endOfTextID), to: path,
      values: { name throws(CheckpointError) in try floats(of: name) }
    ) { folder in
      try tokenizer.write(to: folder)
      guard let options else { return }
      let found = try PretrainedModel(path: folder, tensorParallel: tensorParallel)
        .probe(options)
      let largest = zip(try probe(options), found).reduce(0) { max($0, abs($1.0 - $1.1)) }
      guard type != .float32 || largest == 0 else {
        throw CheckpointError.malformedTensor(
          file: folder, tensor: "logits", expected: "those of the source, off by \(largest)")
      }
      difference = largest
    }
    return difference
  }

  /// Log-probabilities of tokens from all over the vocabulary.
  private func probe(_ options: Emulator.Options) throws -> [Double] {
    var random = SplitMix64(seed: 1)
    let ids = (0...min(64, directory.config.positions)).map { _ in
      Int32(random.next() % UInt64(directory.config.vocabulary))
    }
    return try scorer(options).scores([ScoringRequest(ids)])[0].logProbabilities
  }
}
