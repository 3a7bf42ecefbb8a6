/// Reads `vocab.json` and `added_tokens.json`: one JSON object from token to id.
enum VocabularyFile {
  /// The entries of `text`; `name` is the file for error messages.
  static func parse(
    _ text: [UInt8], name: String
  ) throws(DatasetsError) -> [String: Int] {
    var scanner = JSONScanner(text, name: name)
    let entries = try entries(&scanner)
    try scanner.end()
    return entries
  }

  /// Reads the object at the scanner's place.
  static func entries(_ scanner: inout JSONScanner) throws(DatasetsError) -> [String: Int] {
    var entries: [String: Int] = [:]
    try scanner.object("an object from tokens to ids") { (scanner, token) throws(DatasetsError) in
      // Before the ids are looked at, so that endless entries do not fill the memory.
      guard entries.count < Tokenizer.idLimit else {
        throw scanner.problem("more than \(Tokenizer.idLimit) tokens")
      }
      entries[token] = try scanner.integer("the id of '\(token)'")
    }
    return entries
  }
}
