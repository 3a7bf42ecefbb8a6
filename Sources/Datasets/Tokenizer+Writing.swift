import FoundationEssentials

extension Tokenizer {
  /// Writes all files by which transformers 4.25 to 5.x, and `init(directory:)`, know a tokenizer.
  ///
  /// `tokenizer_config.json` has no `from_slow`, which keeps transformers 4 from loading the fast
  /// tokenizer; merges are written as text, which all versions read.
  ///
  /// - Throws: `unreadable` naming the file that cannot be written.
  package func write(to directory: String) throws(DatasetsError) {
    let merges = mergesInOrder
    var files = [
      ("vocab.json", object(vocabulary)),
      ("merges.txt", "#version: 0.2\n" + merges.map { $0 + "\n" }.joined()),
      ("special_tokens_map.json", Self.specialTokensMap),
      ("tokenizer_config.json", Self.configuration),
      ("tokenizer.json", tokenizerJSON(merges)),
    ]
    if !added.isEmpty { files.append(("added_tokens.json", object(added))) }
    for (name, text) in files {
      let path = "\(directory)/\(name)"
      do {
        try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
      } catch {
        throw .unreadable(file: path, reason: "cannot be written")
      }
    }
  }

  /// Spellings and ids in order, `<|endoftext|>` included, as `vocab.json` has them.
  private var vocabulary: [(String, Int)] {
    let specials = Set(specials.all.map { Int($0.id) })
    return bytesOfID.indices.compactMap { id in
      if id == Int(endOfTextID) { return (Self.endOfText, id) }
      return specials.contains(id) || bytesOfID[id].isEmpty
        ? nil : (ByteAlphabet.spell(bytesOfID[id]), id)
    }
  }

  /// The special tokens beside `<|endoftext|>`, by id.
  private var added: [(String, Int)] {
    specials.all.filter { $0.id != endOfTextID }.sorted { $0.id < $1.id }.map {
      (String(decoding: $0.bytes, as: UTF8.self), Int($0.id))
    }
  }

  /// "left right", the earliest merge first.
  private var mergesInOrder: [String] {
    merges.sorted { $0.value.rank < $1.value.rank }.map { pair, _ in
      [pair >> 32, pair & 0xFFFF_FFFF].map { ByteAlphabet.spell(bytesOfID[Int($0)]) }
        .joined(separator: " ")
    }
  }

  private func object(_ entries: [(String, Int)]) -> String {
    "{" + entries.map { "\(quoted($0.0)): \($0.1)" }.joined(separator: ", ") + "}"
  }

  private func tokenizerJSON(_ merges: [String]) -> String {
    let flags = #""single_word": false, "lstrip": false, "rstrip": false"#
    let tokens = ([(Self.endOfText, Int(endOfTextID))] + added).map { content, id in
      #"{"id": \#(id), "content": \#(quoted(content)), \#(flags), "#
        + #""normalized": \#(id != Int(endOfTextID)), "special": \#(id == Int(endOfTextID))}"#
    }
    let byteLevel = #""type": "ByteLevel", "add_prefix_space": false, "trim_offsets""#
    return """
      {"version": "1.0", "truncation": null, "padding": null,
      "added_tokens": [\(tokens.joined(separator: ", "))],
      "normalizer": null,
      "pre_tokenizer": {\(byteLevel): true}, "post_processor": {\(byteLevel): false},
      "decoder": {\(byteLevel): true},
      "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": "",
      "end_of_word_suffix": "", "fuse_unk": false, "vocab": \(object(vocabulary)),
      "merges": [\(merges.map(quoted).joined(separator: ", "))]}}

      """
  }

  private static let specialTokensMap = """
    {"bos_token": "\(endOfText)", "eos_token": "\(endOfText)", "unk_token": "\(endOfText)"}

    """

  private static let configuration = """
    {"tokenizer_class": "GPT2Tokenizer", "model_max_length": 2048, "add_prefix_space": false,
    "bos_token": "\(endOfText)", "eos_token": "\(endOfText)", "unk_token": "\(endOfText)"}

    """
}

/// A JSON string; spellings have no control characters, special tokens might.
private func quoted(_ text: String) -> String {
  let escaped = text.unicodeScalars.map { scalar in
    switch scalar {
    case "\"": "\\\""
    case "\\": "\\\\"
    case ..<" ": "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
    default: String(scalar)
    }
  }
  return "\"\(escaped.joined())\""
}
