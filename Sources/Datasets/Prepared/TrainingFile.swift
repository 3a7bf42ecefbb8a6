package import Configuration

/// A data file to train on, packed for a model; a cache saves reading and encoding it again.
package struct TrainingFile: Sendable {
  private let path: String
  private let task: TaskConfiguration
  private let tokenizerDirectory: String?
  private let cache: PreparedCache?

  /// - Parameters:
  ///   - path: As `ExampleFile` reads it.
  ///   - task: What to read of it, and how to pack it.
  ///   - tokenizerDirectory: Where the tokenizer was read from; nil for the embedded one.
  ///   - cache: Where packed data are kept; nil for nowhere.
  package init(
    path: String, task: TaskConfiguration = TaskConfiguration(), tokenizerDirectory: String? = nil,
    cache: PreparedCache? = nil
  ) {
    self.path = path
    self.task = task
    self.tokenizerDirectory = tokenizerDirectory
    self.cache = cache
  }

  /// All sequences of the file, from the cache where it has them.
  ///
  /// - Throws: As `ExampleFile` does; what is wrong with a cache is only reported.
  package func packed(
    _ tokenizer: Tokenizer, sequenceLength: Int
  ) throws(DatasetsError) -> PackedSequences {
    let packing = Packing(task.packing, sequenceLength: sequenceLength)
    let key = cache == nil ? nil : key(packing)
    if let cache, let key, let kept = cache.sequences(key, packing, tokenizer) { return kept }
    let file = try ExampleFile(path: path, task: task)
    let packed = PackedSequences(
      file.examples.lazy.map(\.trainingPrompt), skipped: file.skipped, tokenizer: tokenizer,
      packing: packing)
    if let cache, let key { cache.keep(packed, key) }
    return packed
  }

  /// Everything that decides the tokens; nil for a file that cannot be read twice.
  private func key(_ packing: Packing) -> Digest? {
    guard let data = try? MappedFile(path: path) else { return nil }
    let ending = path.split(separator: ".").last.map(String.init) ?? ""
    let columns = task.columns.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }
    return Digest(
      parts: [
        Digest(data.bytes).text, ending, tokenizerKey, task.prompt.text,
        "\(task.labels?.count ?? -1)", task.packing.rawValue, "\(packing.sequenceLength)",
      ] + (task.labels ?? []) + columns)
  }

  /// The contents of every file that a tokenizer may be read from.
  private var tokenizerKey: String {
    guard let tokenizerDirectory else {
      let files = [PackageResources.vocab_json, PackageResources.merges_txt]
      return Digest(parts: files.map { String(decoding: $0, as: UTF8.self) }).text
    }
    let names = [
      "tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt", "added_tokens.json",
      "special_tokens_map.json",
    ]
    return Digest(
      parts: names.map { name in
        (try? MappedFile(path: "\(tokenizerDirectory)/\(name)")).map { Digest($0.bytes).text } ?? ""
      }
    ).text
  }
}
