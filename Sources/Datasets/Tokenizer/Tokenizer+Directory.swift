import FoundationEssentials

extension Tokenizer {
  /// Reads the tokenizer of a Hugging Face directory: `vocab.json` and `merges.txt` with
  /// `added_tokens.json`, or `tokenizer.json` where these are not there.
  ///
  /// - Throws: `unreadable` when neither is there, `malformed` naming the key of a `tokenizer.json`
  ///   that would give other ids, and what reading the files throws.
  package init(directory: String) throws(DatasetsError) {
    func path(_ name: String) -> String? {
      let path = Self.path(of: name, in: directory)
      return FileManager.default.fileExists(atPath: path) ? path : nil
    }
    if let vocabulary = path("vocab.json"), let merges = path("merges.txt") {
      try self.init(vocabulary: vocabulary, merges: merges, added: path("added_tokens.json"))
    } else if let file = path("tokenizer.json") {
      let content = try TokenizerFile.parse(Self.bytes(of: file), name: file)
      try self.init(
        vocabulary: content.vocabulary, merges: content.merges, added: content.added)
    } else {
      throw .unreadable(
        file: directory,
        reason: "no tokenizer: neither vocab.json and merges.txt nor tokenizer.json")
    }
  }

  static func path(of name: String, in directory: String) -> String {
    directory.hasSuffix("/") ? directory + name : "\(directory)/\(name)"
  }
}
