/// Packed training data in memory: every chunk of a `PackedStream`, 4 bytes a token.
package struct PackedSequences: Sendable {
  package let sequenceLength: Int
  package let counts: PackingCounts
  /// Chunk after chunk, each of `sequenceLength + 1` tokens.
  private let tokens: [Int32]

  package var count: Int { counts.sequences }

  /// Packs texts that are whole training prompts, `<|endoftext|>` included.
  package init(
    _ texts: some Sequence<String>, tokenizer: Tokenizer, sequenceLength: Int
  ) {
    var stream = PackedStream(
      texts.makeIterator(), tokenizer: tokenizer, sequenceLength: sequenceLength)
    var tokens: [Int32] = []
    while let chunk = stream.next() { tokens += chunk }
    self.tokens = tokens
    self.sequenceLength = sequenceLength
    counts = stream.counts
  }

  /// What a model reads of sequence `index`: all tokens but the last.
  package func input(_ index: Int) -> ArraySlice<Int32> {
    chunk(index).dropLast()
  }

  /// What it must answer, token by token: all but the first, so already shifted.
  package func labels(_ index: Int) -> ArraySlice<Int32> {
    chunk(index).dropFirst()
  }

  private func chunk(_ index: Int) -> ArraySlice<Int32> {
    precondition(0 <= index && index < count, "no sequence \(index) among \(count)")
    let length = sequenceLength + 1
    return tokens[(index * length)..<((index + 1) * length)]
  }
}
