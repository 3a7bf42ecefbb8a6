/// Makes a byte-level vocabulary from text: the most frequent adjacent pair merges, again and again.
///
/// Deterministic, with the merges of Hugging Face tokenizers' `BpeTrainer`: of equally frequent
/// pairs the one with the smaller ids wins. Only words that hold the pair are looked at for a merge.
package struct BytePairTrainer: Sendable {
  private let preTokenizer = PreTokenizer()
  private var counts: [[UInt8]: Int] = [:]

  package init() {}

  /// How many distinct pieces were counted.
  package var wordCount: Int { counts.count }

  /// Counts the pieces of a text; a special token in it counts as ordinary text.
  package mutating func count(_ text: String) {
    count(text.utf8Span.span)
  }

  /// Counts the pieces of each line with its end, which is how Hugging Face reads files.
  ///
  /// - Throws: `malformed` with the first line that is not valid UTF-8.
  package mutating func count(lines text: [UInt8], name: String) throws(DatasetsError) {
    var start = 0
    var line = 1
    while start < text.count {
      let end = text[start...].firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? text.count
      guard let span = try? UTF8Span(validating: text.span.extracting(start..<end)) else {
        throw .malformed(file: name, line: line, problem: "the line is not valid UTF-8")
      }
      count(span.span)
      start = end
      line += 1
    }
  }

  private mutating func count(_ text: Span<UInt8>) {
    var start = 0
    while start < text.count {
      let end = preTokenizer.endOfPiece(in: text, at: start)
      let piece = [UInt8](unsafeUninitializedCapacity: end - start) { buffer, count in
        for index in start..<end { buffer[index - start] = text[index] }
        count = end - start
      }
      counts[piece, default: 0] += 1
      start = end
    }
  }

  /// Merges until the vocabulary has `vocabularySize` entries or no pair is frequent enough.
  package func train(vocabularySize: Int, minimumFrequency: Int = 2) -> BytePairVocabulary {
    precondition(vocabularySize >= 257, "257 entries are the bytes and \(Tokenizer.endOfText)")
    var vocabulary = BytePairVocabulary()
    // Sorted, since a dictionary's order changes from run to run.
    let words = counts.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    var pairs = PairCounts(
      words.map { (ids: $0.key.map(vocabulary.id(of:)), count: $0.value) })
    while vocabulary.tokens.count < vocabularySize - 1, let pair = pairs.mostFrequent(),
      pair.count >= max(minimumFrequency, 1)
    {
      pairs.merge(pair, into: vocabulary.addMerge(pair.left, pair.right))
    }
    return vocabulary
  }
}
