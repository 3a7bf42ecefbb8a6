/// Reads `tokenizer.json`, in which Hugging Face's fast tokenizers keep everything.
///
/// Everything in it that would give other ids than `Tokenizer` does is an error: another model or
/// pre-tokenizer, a normalizer, tokens that a post-processor adds, added tokens that strip.
struct TokenizerFile {
  private(set) var vocabulary: [String: Int] = [:]
  private(set) var merges: [(String, String)] = []
  private(set) var added: [String: Int] = [:]
  private var keys: Set<String> = []

  /// Reads `text`; `name` is the file for error messages.
  static func parse(_ text: [UInt8], name: String) throws(DatasetsError) -> TokenizerFile {
    var scanner = JSONScanner(text, name: name)
    var file = TokenizerFile()
    try scanner.object("an object with 'model'") { (scanner, key) throws(DatasetsError) in
      try file.read(key, &scanner)
    }
    try scanner.end()
    for key in ["model", "pre_tokenizer"] where !file.keys.contains(key) {
      throw scanner.problem("no key '\(key)'; is it a fast tokenizer's file?")
    }
    return file
  }

  private mutating func read(
    _ key: String, _ scanner: inout JSONScanner
  ) throws(DatasetsError) {
    keys.insert(key)
    switch key {
    case "model": try readModel(&scanner)
    case "added_tokens": try readAddedTokens(&scanner)
    case "pre_tokenizer": try Self.checkPreTokenizer(key, &scanner)
    case "normalizer": try scanner.require(key, "null")
    case "post_processor": try Self.checkPostProcessor(key, &scanner)
    default: try scanner.skipValue()
    }
  }

  private mutating func readModel(_ scanner: inout JSONScanner) throws(DatasetsError) {
    // Files of 2020 have no 'type'; 'BPE' is the only model with merges.
    var missing: Set = ["vocab", "merges"]
    try scanner.object("an object in 'model'") { (scanner, key) throws(DatasetsError) in
      missing.remove(key)
      switch key {
      case "type": try scanner.require("model.type", "\"BPE\"")
      case "vocab": vocabulary = try VocabularyFile.entries(&scanner)
      case "merges": try readMerges(&scanner)
      case "dropout": try scanner.require("model.dropout", "null", "0.0")
      case "ignore_merges": try scanner.require("model.ignore_merges", "false")
      case "continuing_subword_prefix", "end_of_word_suffix":
        try scanner.require("model.\(key)", "null", "\"\"")
      default: try scanner.skipValue()
      }
    }
    if let key = missing.min() { throw scanner.problem("no key 'model.\(key)'") }
  }

  /// Merges are `"a b"` until transformers 4, `["a", "b"]` from 5 on.
  private mutating func readMerges(_ scanner: inout JSONScanner) throws(DatasetsError) {
    try scanner.array("an array in 'model.merges'") { (scanner) throws(DatasetsError) in
      let parts: [String]
      if scanner.stringFollows() {
        parts = MergesFile.parts(of: try scanner.string())
      } else {
        parts = try Self.strings(&scanner)
      }
      guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
        throw scanner.problem(
          "'model.merges[\(merges.count)]' must be \"a b\" or [\"a\", \"b\"], "
            + "found \(parts.count) tokens or an empty one")
      }
      guard merges.count < Tokenizer.mergeLimit else {
        throw scanner.problem("more than \(Tokenizer.mergeLimit) merges")
      }
      merges.append((parts[0], parts[1]))
    }
  }

  private static func strings(_ scanner: inout JSONScanner) throws(DatasetsError) -> [String] {
    var strings: [String] = []
    try scanner.array("\"a b\" or [\"a\", \"b\"] in 'model.merges'") {
      (scanner) throws(DatasetsError) in strings.append(try scanner.string())
    }
    return strings
  }

  private mutating func readAddedTokens(_ scanner: inout JSONScanner) throws(DatasetsError) {
    var index = 0
    try scanner.array("an array in 'added_tokens'") { (scanner) throws(DatasetsError) in
      let key = "added_tokens[\(index)]"
      index += 1
      let (content, id) = try Self.addedToken(key, &scanner)
      guard added.updateValue(id, forKey: content) == nil else {
        throw scanner.problem("'\(key)' gives '\(content)' a second time")
      }
    }
  }

  private static func addedToken(
    _ path: String, _ scanner: inout JSONScanner
  ) throws(DatasetsError) -> (content: String, id: Int) {
    var content: String?
    var id: Int?
    try scanner.object("an object in '\(path)'") { (scanner, key) throws(DatasetsError) in
      switch key {
      case "content": content = try scanner.string()
      case "id": id = try scanner.integer("'\(path).id'")
      case "single_word", "lstrip", "rstrip": try scanner.require("\(path).\(key)", "false")
      default: try scanner.skipValue()
      }
    }
    guard let content, let id else { throw scanner.problem("'\(path)' needs 'id' and 'content'") }
    return (content, id)
  }
}

/// What stands around the model, of which only one kind is understood.
extension TokenizerFile {
  /// Checks for `ByteLevel`, alone or as the only member of a `Sequence`.
  ///
  /// Another member of the sequence, such as `Digits`, would cut the text differently.
  private static func checkPreTokenizer(
    _ path: String, _ scanner: inout JSONScanner, isMember: Bool = false
  ) throws(DatasetsError) {
    var keys: Set<String> = []
    var members = 0
    try scanner.object("ByteLevel in '\(path)'") { (scanner, key) throws(DatasetsError) in
      keys.insert(key)
      switch key {
      case "type" where isMember: try scanner.require("\(path).type", "\"ByteLevel\"")
      case "type": try scanner.require("\(path).type", "\"ByteLevel\"", "\"Sequence\"")
      case "add_prefix_space": try scanner.require("\(path).\(key)", "false")
      case "use_regex": try scanner.require("\(path).\(key)", "true")
      case "pretokenizers" where !isMember:
        try scanner.array("an array in '\(path).\(key)'") { (scanner) throws(DatasetsError) in
          try checkPreTokenizer("\(path).\(key)[\(members)]", &scanner, isMember: true)
          members += 1
        }
      default: try scanner.skipValue()
      }
    }
    guard keys.contains("type") else { throw scanner.problem("no key '\(path).type'") }
    guard members == 1 || keys.contains("add_prefix_space") else {
      throw scanner.problem("'\(path)' needs ByteLevel with 'add_prefix_space' false")
    }
    guard members <= 1 else {
      throw scanner.problem("'\(path)' must hold one ByteLevel, not \(members)")
    }
  }

  /// Checks for null or `ByteLevel`, which only moves offsets.
  private static func checkPostProcessor(
    _ path: String, _ scanner: inout JSONScanner
  ) throws(DatasetsError) {
    if scanner.nullFollows() { return try scanner.skipValue() }
    var hasType = false
    try scanner.object("null or ByteLevel in '\(path)'") { (scanner, key) throws(DatasetsError) in
      guard key == "type" else { return try scanner.skipValue() }
      hasType = true
      try scanner.require("\(path).type", "\"ByteLevel\"")
    }
    guard hasType else { throw scanner.problem("no key '\(path).type'") }
  }
}
