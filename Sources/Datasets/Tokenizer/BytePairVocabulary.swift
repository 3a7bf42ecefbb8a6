/// A vocabulary under construction, and the two files that hold it.
///
/// Ids are ordered as in GPT-2's own: 256 bytes, the merges by rank, `<|endoftext|>` last.
package struct BytePairVocabulary: Sendable {
  /// Spellings by id, without `<|endoftext|>`, which follows them.
  package private(set) var tokens = ByteAlphabet.order.map { ByteAlphabet.spell([$0]) }
  /// The merges in order of rank, as pairs of spellings.
  package var merges: [(String, String)] {
    mergedIDs.map { (tokens[Int($0.x)], tokens[Int($0.y)]) }
  }

  private var mergedIDs: [SIMD2<Int32>] = []
  private var ids: [String: Int32] = [:]

  init() {}

  func id(of byte: UInt8) -> Int32 {
    Self.idOfByte[Int(byte)]
  }

  private static let idOfByte: [Int32] = (UInt8.min...UInt8.max).map {
    Int32(ByteAlphabet.order.firstIndex(of: $0) ?? 0)
  }

  /// The id of what the pair becomes: a new one, unless another pair spells the same.
  mutating func addMerge(_ left: Int32, _ right: Int32) -> Int32 {
    let token = tokens[Int(left)] + tokens[Int(right)]
    let known = ids[token]
    // Should the very pair have come before, its last place counts, as in tokenizers.
    if known != nil { mergedIDs.removeAll { $0 == SIMD2(left, right) } }
    mergedIDs.append(SIMD2(left, right))
    let id = known ?? Int32(tokens.count)
    if known == nil { tokens.append(token) }
    ids[token] = id
    return id
  }

  /// The text of `vocab.json`: one entry a line, in order of id.
  package var vocabularyFile: String {
    let lines = (tokens + [Tokenizer.endOfText]).enumerated().map { id, token in
      "  \(Tokenizer.quoted(token)): \(id)"
    }
    return "{\n" + lines.joined(separator: ",\n") + "\n}\n"
  }

  /// The text of `merges.txt`: a version line, then one merge a line.
  package var mergesFile: String {
    "#version: 0.2\n" + merges.map { "\($0) \($1)\n" }.joined()
  }
}

extension Tokenizer {
  /// The tokenizer of a vocabulary that was trained.
  package init(_ vocabulary: BytePairVocabulary) throws(DatasetsError) {
    let tokens = vocabulary.tokens + [Self.endOfText]
    try self.init(
      vocabulary: Dictionary(tokens.enumerated().map { ($1, $0) }) { first, _ in first },
      merges: vocabulary.merges)
  }
}
