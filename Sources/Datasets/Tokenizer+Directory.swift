import FoundationEssentials

extension Tokenizer {
  /// Reads the tokenizer of a Hugging Face directory: `vocab.json` and `merges.txt` with
  /// `added_tokens.json`, or `tokenizer.json` where these are not there.
  ///
  /// - Throws: `unreadable` when neither is there, `malformed` for a `tokenizer.json` that is no
  ///   byte-level BPE, and what reading the files throws.
  package init(directory: String) throws(DatasetsError) {
    func path(_ name: String) -> String? {
      let path = "\(directory)/\(name)"
      return FileManager.default.fileExists(atPath: path) ? path : nil
    }
    if let vocabulary = path("vocab.json"), let merges = path("merges.txt") {
      try self.init(vocabulary: vocabulary, merges: merges, added: path("added_tokens.json"))
    } else if let file = path("tokenizer.json") {
      try self.init(tokenizerFile: file)
    } else {
      throw .unreadable(
        file: directory,
        reason: "no tokenizer: neither vocab.json and merges.txt nor tokenizer.json")
    }
  }

  private init(tokenizerFile path: String) throws(DatasetsError) {
    let file = try TokenizerFile.read(path)
    // `<|endoftext|>` stands in both lists, as the vocabulary's last entry and as a special token.
    let added = Dictionary(
      (file.added_tokens ?? []).map { ($0.content, $0.id) }, uniquingKeysWith: { first, _ in first }
    ).filter { file.model.vocab[$0.key] != $0.value || $0.key != Self.endOfText }
    try self.init(vocabulary: file.model.vocab, merges: file.model.merges.map(\.pair), added: added)
  }
}

/// What is read of a `tokenizer.json` (Hugging Face tokenizers), in its spellings of 2021 to 2026.
private struct TokenizerFile: Decodable {
  let model: Model
  let pre_tokenizer: PreTokenizer?
  let added_tokens: [AddedToken]?

  struct Model: Decodable {
    let type: String?
    let vocab: [String: Int]
    let merges: [Merge]
  }

  struct AddedToken: Decodable {
    let id: Int
    let content: String
  }

  struct PreTokenizer: Decodable {
    let type: String
    let add_prefix_space: Bool?
    let pretokenizers: [PreTokenizer]?

    var isByteLevel: Bool {
      type == "ByteLevel" && add_prefix_space != true
        || type == "Sequence" && pretokenizers?.contains(where: \.isByteLevel) == true
    }
  }

  /// "a b" in older files, ["a", "b"] in newer ones.
  struct Merge: Decodable {
    let pair: (String, String)

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      let parts: [String]
      if let text = try? container.decode(String.self) {
        parts = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
      } else {
        parts = try container.decode([String].self)
      }
      guard parts.count == 2 else {
        throw DecodingError.dataCorruptedError(in: container, debugDescription: "no pair")
      }
      pair = (parts[0], parts[1])
    }
  }

  static func read(_ path: String) throws(DatasetsError) -> TokenizerFile {
    func wrong(_ problem: String) -> DatasetsError {
      .malformed(file: path, line: 1, problem: problem)
    }
    let file: TokenizerFile
    do {
      file = try JSONDecoder().decode(
        TokenizerFile.self, from: Data(contentsOf: URL(filePath: path)))
    } catch let error as DecodingError {
      throw wrong("expected a tokenizer with model.vocab and model.merges; \(place(of: error))")
    } catch {
      throw .unreadable(file: path, reason: "cannot be read; is it JSON?")
    }
    guard file.model.type ?? "BPE" == "BPE" else {
      throw wrong("model.type is '\(file.model.type ?? "")', expected 'BPE'")
    }
    guard file.pre_tokenizer?.isByteLevel == true else {
      throw wrong("pre_tokenizer is not 'ByteLevel' without add_prefix_space, as GPT-J's is")
    }
    return file
  }

  private static func place(of error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, _): "'\(key.stringValue)' is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context),
      .dataCorrupted(let context):
      context.codingPath.isEmpty
        ? "it is no JSON object"
        : "'\(context.codingPath.map(\.stringValue).joined(separator: "."))' has another type"
    @unknown default: "it cannot be decoded"
    }
  }
}
