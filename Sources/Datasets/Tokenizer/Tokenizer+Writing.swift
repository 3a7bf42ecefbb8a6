import FoundationEssentials

extension Tokenizer {
  /// Writes the files that Hugging Face's tokenizers read, fast ones and slow ones.
  ///
  /// Makes the directory when there is none. Each file replaces its predecessor whole; an
  /// `added_tokens.json` from before is removed when there are no added tokens now. Of added tokens
  /// Hugging Face takes the order, not the ids: it counts on from the vocabulary's size.
  ///
  /// - Throws: `unwritable` with the file that cannot be written.
  package func write(to directory: String) throws(DatasetsError) {
    try Self.makeDirectory(directory)
    let merges = mergesInOrder
    try Self.write(Self.json(vocabulary), to: "vocab.json", in: directory)
    try Self.write(
      (["#version: 0.2"] + merges).joined(separator: "\n") + "\n", to: "merges.txt", in: directory)
    try writeAddedTokens(to: directory)
    try Self.write(Self.specialTokensMap, to: "special_tokens_map.json", in: directory)
    try Self.write(Self.configuration, to: "tokenizer_config.json", in: directory)
    try Self.write(json(merges), to: "tokenizer.json", in: directory)
  }

  /// The merges as `merges.txt` spells them, lowest rank first.
  private var mergesInOrder: [String] {
    var spellings = [String](repeating: "", count: vocabularySize)
    for (token, id) in vocabulary { spellings[id] = token }
    return merges.all.map { "\(spellings[Int($0.left)]) \(spellings[Int($0.right)])" }
  }

  private func writeAddedTokens(to directory: String) throws(DatasetsError) {
    // A reader knows `<|endoftext|>` by its name, any other special token only from this file.
    let added = specialIDs.filter { $0.key != Self.endOfText || vocabulary[$0.key] == nil }
    let name = "added_tokens.json"
    if !added.isEmpty {
      try Self.write(Self.json(added), to: name, in: directory)
    } else if FileManager.default.fileExists(atPath: Self.path(of: name, in: directory)) {
      do {
        try FileManager.default.removeItem(atPath: Self.path(of: name, in: directory))
      } catch {
        throw .unwritable(
          file: Self.path(of: name, in: directory),
          reason: "holds another tokenizer's tokens and cannot be removed: \(error)")
      }
    }
  }
}

/// The files' texts.
extension Tokenizer {
  /// `tokenizer.json`, with the keys and values of GPT-J's own.
  ///
  /// Merges are strings because transformers 4 does not read pairs. All added tokens are
  /// "normalized", so that of two that fit the leftmost longest wins, as it does here.
  private func json(_ merges: [String]) -> String {
    let added = specialIDs.sorted { $0.value < $1.value }.map { token, id in
      """
      {"id": \(id), "content": \(Self.quoted(token)), "single_word": false, "lstrip": false, \
      "rstrip": false, "normalized": true, "special": \(token == Self.endOfText)}
      """
    }
    return """
      {
      "version": "1.0",
      "truncation": null,
      "padding": null,
      "added_tokens": [
      \(added.joined(separator: ",\n"))
      ],
      "normalizer": null,
      "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true},
      "post_processor": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false},
      "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true},
      "model": {
      "type": "BPE",
      "dropout": null,
      "unk_token": null,
      "continuing_subword_prefix": "",
      "end_of_word_suffix": "",
      "fuse_unk": false,
      "vocab": \(Self.json(vocabulary)),
      "merges": [
      \(merges.map(Self.quoted).joined(separator: ",\n"))
      ]
      }
      }

      """
  }

  private static var specialTokensMap: String {
    let token = quoted(endOfText)
    return "{\"bos_token\": \(token), \"eos_token\": \(token), \"unk_token\": \(token)}\n"
  }

  /// Without `from_slow`, with which transformers rebuilds the tokenizer from the slow files.
  private static var configuration: String {
    """
    {
    "add_prefix_space": false,
    "bos_token": \(quoted(endOfText)),
    "clean_up_tokenization_spaces": false,
    "eos_token": \(quoted(endOfText)),
    "errors": "replace",
    "model_max_length": 2048,
    "tokenizer_class": "GPT2Tokenizer",
    "unk_token": \(quoted(endOfText))
    }

    """
  }

  /// An object from tokens to ids, in order of ids.
  private static func json(_ ids: [String: Int]) -> String {
    let entries = ids.sorted { $0.value < $1.value }.map { "\(quoted($0)): \($1)" }
    return "{\(entries.joined(separator: ", "))}"
  }

  /// `text` as a JSON string: UTF-8, with escapes only where JSON demands them.
  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\u{0}"..<"\u{10}": result += "\\u000" + String(scalar.value, radix: 16)
      case "\u{10}"..<"\u{20}": result += "\\u00" + String(scalar.value, radix: 16)
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

/// Reaching the disk.
extension Tokenizer {
  private static func makeDirectory(_ directory: String) throws(DatasetsError) {
    do {
      try FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: true)
    } catch {
      throw .unwritable(file: directory, reason: "cannot be made a directory: \(error)")
    }
  }

  private static func write(
    _ text: String, to name: String, in directory: String
  ) throws(DatasetsError) {
    let path = path(of: name, in: directory)
    do {
      try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
    } catch {
      throw .unwritable(file: path, reason: "cannot be written: \(error)")
    }
  }
}
