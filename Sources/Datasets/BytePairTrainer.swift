/// Makes a byte-level vocabulary from text: the most frequent adjacent pair merges, again and again.
///
/// Deterministic: of equally frequent pairs the one with the smaller ids wins. Ids are ordered as in
/// GPT-2's own vocabulary: 256 bytes, the merges by rank, `<|endoftext|>` last.
/// Cost: one pass over the distinct words for every merge, meant for small vocabularies.
package struct BytePairTrainer: Sendable {
  private var counts: [[UInt8]: Int] = [:]

  package init() {}

  /// Counts the pieces of a text; special tokens must have been left out.
  package mutating func count(_ text: String) {
    let bytes = Array(text.utf8)
    let scanner = PreTokenizer(bytes)
    var start = 0
    while start < bytes.count {
      let end = scanner.endOfPiece(at: start)
      counts[Array(bytes[start..<end]), default: 0] += 1
      start = end
    }
  }

  /// Merges until the vocabulary has `vocabularySize` entries or no pair occurs twice.
  package func train(vocabularySize: Int) -> BytePairVocabulary {
    precondition(vocabularySize >= 257, "257 entries are the bytes and \(Tokenizer.endOfText)")
    var vocabulary = BytePairVocabulary()
    // Sorted, since a dictionary's order changes from run to run.
    var words = counts.sorted { $0.key.lexicographicallyPrecedes($1.key) }
      .map { (ids: $0.key.map(vocabulary.id(of:)), count: $0.value) }
    while vocabulary.tokens.count < vocabularySize - 1,
      let (left, right) = Self.mostFrequentPair(in: words)
    {
      let merged = vocabulary.addMerge(left, right)
      for index in words.indices { Self.merge(left, right, into: merged, in: &words[index].ids) }
    }
    return vocabulary
  }

  private static func mostFrequentPair(
    in words: [(ids: [Int], count: Int)]
  ) -> (Int, Int)? {
    var pairs: [SIMD2<Int>: Int] = [:]
    for (ids, count) in words {
      for (left, right) in zip(ids, ids.dropFirst()) {
        pairs[SIMD2(left, right), default: 0] += count
      }
    }
    let best = pairs.max { ($0.value, -$0.key.x, -$0.key.y) < ($1.value, -$1.key.x, -$1.key.y) }
    guard let best, best.value > 1 else { return nil }
    return (best.key.x, best.key.y)
  }

  private static func merge(_ left: Int, _ right: Int, into merged: Int, in ids: inout [Int]) {
    var index = 0
    while index + 1 < ids.count {
      if ids[index] == left, ids[index + 1] == right {
        ids[index] = merged
        ids.remove(at: index + 1)
      }
      index += 1
    }
  }
}

/// A vocabulary under construction, and the two files that hold it.
package struct BytePairVocabulary: Equatable, Sendable {
  /// Spellings by id, without `<|endoftext|>`, which follows them.
  package private(set) var tokens = ByteAlphabet.order.map { ByteAlphabet.spell([$0]) }
  /// The merges in order of rank, as pairs of spellings.
  package var merges: [(String, String)] { mergedIDs.map { (tokens[$0.x], tokens[$0.y]) } }

  private var mergedIDs: [SIMD2<Int>] = []

  init() {}

  func id(of byte: UInt8) -> Int {
    Self.idOfByte[Int(byte)]
  }

  private static let idOfByte: [Int] = (UInt8.min...UInt8.max).map {
    ByteAlphabet.order.firstIndex(of: $0) ?? 0
  }

  mutating func addMerge(_ left: Int, _ right: Int) -> Int {
    mergedIDs.append(SIMD2(left, right))
    tokens.append(tokens[left] + tokens[right])
    return tokens.count - 1
  }

  /// The text of `vocab.json`: one entry a line, in order of id.
  package var vocabularyFile: String {
    let lines = (tokens + [Tokenizer.endOfText]).enumerated().map { id, token in
      "  \"\(token.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\": \(id)"
    }
    return "{\n" + lines.joined(separator: ",\n") + "\n}\n"
  }

  /// The text of `merges.txt`: a version line, then one merge a line.
  package var mergesFile: String {
    "#version: 0.2\n" + merges.map { "\($0) \($1)\n" }.joined()
  }
}
