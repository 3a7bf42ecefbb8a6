/// Packed training data: every chunk of a `PackedStream`, 4 bytes a token, in memory or in a file.
package struct PackedSequences: Sendable {
  package let packing: Packing
  package let counts: PackingCounts
  /// Chunk after chunk.
  let tokens: Tokens

  /// Where the tokens are.
  enum Tokens: Sendable {
    case memory([Int32])
    /// From a byte of a file on, as little-endian numbers.
    case file(MappedFile, offset: Int)
  }

  package var count: Int { counts.sequences }

  /// Packs texts that are whole training prompts, `<|endoftext|>` included.
  package init(
    _ texts: some Sequence<String>, skipped: Int = 0, tokenizer: Tokenizer, packing: Packing
  ) {
    var stream = PackedStream(texts.makeIterator(), tokenizer: tokenizer, packing: packing)
    var tokens: [Int32] = []
    while let chunk = stream.next() { tokens += chunk }
    var counts = stream.counts
    counts.skipped = skipped
    self.init(packing: packing, counts: counts, tokens: .memory(tokens))
  }

  init(packing: Packing, counts: PackingCounts, tokens: Tokens) {
    self.packing = packing
    self.counts = counts
    self.tokens = tokens
  }

  /// What a model reads of sequence `index`.
  package func input(_ index: Int) -> ArraySlice<Int32> {
    packing.input(chunk(index))
  }

  /// What it must answer, token by token: already shifted, so all but the first.
  package func labels(_ index: Int) -> ArraySlice<Int32> {
    packing.labels(chunk(index))
  }

  private func chunk(_ index: Int) -> ArraySlice<Int32> {
    precondition(0 <= index && index < count, "no sequence \(index) among \(count)")
    let length = packing.chunkLength
    let range = (index * length)..<((index + 1) * length)
    switch tokens {
    case .memory(let tokens): return tokens[range]
    case .file(let file, let offset):
      return range.map { token in
        Int32(
          littleEndian: file.bytes.loadUnaligned(
            fromByteOffset: offset + token * MemoryLayout<Int32>.size, as: Int32.self))
      }[...]
    }
  }
}
