import FoundationEssentials
import Glibc

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

  /// Twice the largest tokenizer.json in use (about 33 MB): a wrong path must not fill memory.
  private static let fileLimit = 1 << 26

  static func bytes(of file: String) throws(DatasetsError) -> [UInt8] {
    var status = stat()
    guard stat(file, &status) == 0 else {
      throw .unreadable(file: file, reason: "cannot be read; is the path right?")
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw .unreadable(file: file, reason: "is not a regular file")
    }
    guard status.st_size <= fileLimit else {
      throw .unreadable(
        file: file, reason: "is larger than \(fileLimit) bytes, too large for a tokenizer's file")
    }
    do {
      return Array(try Data(contentsOf: URL(filePath: file)))
    } catch {
      throw .unreadable(file: file, reason: "cannot be read; is the path right?")
    }
  }
}
