import FoundationEssentials

extension Tokenizer {
  /// Reads a tokenizer from files as Hugging Face's slow GPT-2 tokenizer writes them.
  ///
  /// - Parameters:
  ///   - vocabulary: `vocab.json`.
  ///   - merges: `merges.txt`.
  ///   - added: `added_tokens.json`, for GPT-J's `<|extratoken_1|>` to `<|extratoken_143|>`.
  /// - Throws: `unreadable` and `malformed` with file and line, `inconsistentVocabulary` when the
  ///   files do not belong together.
  package init(
    vocabulary: String, merges: String, added: String? = nil
  ) throws(DatasetsError) {
    var addedTokens: [String: Int] = [:]
    if let added { addedTokens = try VocabularyFile.parse(Self.bytes(of: added), name: added) }
    try self.init(
      vocabulary: VocabularyFile.parse(Self.bytes(of: vocabulary), name: vocabulary),
      merges: MergesFile.parse(Self.bytes(of: merges), name: merges), added: addedTokens)
  }

  /// Our own small vocabulary, made from the generated set; it travels inside the binary.
  package static func embedded() throws(DatasetsError) -> Tokenizer {
    try Tokenizer(
      vocabulary: VocabularyFile.parse(PackageResources.vocab_json, name: "vocab.json"),
      merges: MergesFile.parse(PackageResources.merges_txt, name: "merges.txt"))
  }

  private static func bytes(of file: String) throws(DatasetsError) -> [UInt8] {
    do {
      return Array(try Data(contentsOf: URL(filePath: file)))
    } catch {
      throw .unreadable(file: file, reason: "cannot be read; is the path right?")
    }
  }
}
