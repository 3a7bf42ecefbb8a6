import FoundationEssentials

extension Tokenizer {
  /// Reads the tokenizer of a Hugging Face directory: `tokenizer.json`, or `vocab.json` and
  /// `merges.txt` with `added_tokens.json` where it is not there.
  ///
  /// transformers has the same preference, and its version 5 leaves older files beside the new one.
  ///
  /// - Throws: `unreadable` when neither is there, `malformed` naming the key of a `tokenizer.json`
  ///   that would give other ids, and what reading the files throws.
  package init(directory: String) throws(DatasetsError) {
    func path(_ name: String) -> String? {
      let path = Self.path(of: name, in: directory)
      return FileManager.default.fileExists(atPath: path) ? path : nil
    }
    if let file = path("tokenizer.json") {
      try self.init(TokenizerFile.parse(Self.bytes(of: file), name: file))
    } else if let vocabulary = path("vocab.json"), let merges = path("merges.txt") {
      try self.init(vocabulary: vocabulary, merges: merges, added: path("added_tokens.json"))
    } else {
      throw .unreadable(
        file: directory,
        reason: "no tokenizer: neither tokenizer.json nor vocab.json and merges.txt")
    }
  }

  init(_ file: TokenizerFile) throws(DatasetsError) {
    try self.init(vocabulary: file.vocabulary, merges: file.merges, added: file.added)
  }

  static func path(of name: String, in directory: String) -> String {
    directory.hasSuffix("/") ? directory + name : "\(directory)/\(name)"
  }
}
