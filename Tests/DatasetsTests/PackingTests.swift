import Configuration
import Testing

@testable import Datasets

@Suite struct PackingTests {
  /// The reference's `group_texts`, as literally as Swift can say it: chunks of `length` tokens.
  private static func groupTexts(_ texts: [String], _ tokenizer: Tokenizer, _ length: Int)
    -> [[Int32]]
  {
    stride(from: 0, to: texts.count, by: 1000).flatMap { start in
      let batch = texts[start..<min(start + 1000, texts.count)]
      let ids = batch.flatMap { tokenizer.encode($0) }
      return stride(from: 0, to: ids.count / length * length, by: length)
        .map { Array(ids[$0..<($0 + length)]) }
    }
  }

  @Test(arguments: [1, 7, 256, 40_000])
  func `sequences are the reference's chunks`(length: Int) throws {
    let tokenizer = try Tokenizer.embedded()
    let texts = prompts(2_300)
    let packed = PackedSequences(
      texts, tokenizer: tokenizer, packing: Packing(sequenceLength: length))
    let chunks = Self.groupTexts(texts, tokenizer, length + 1)
    #expect(packed.count == chunks.count)
    #expect((0..<packed.count).allSatisfy { packed.input($0).elementsEqual(chunks[$0].dropLast()) })
    #expect(
      (0..<packed.count).allSatisfy { packed.labels($0).elementsEqual(chunks[$0].dropFirst()) })
    let tokens = texts.reduce(0) { $0 + tokenizer.encode($1).count }
    #expect(packed.counts.examples == 2_300)
    #expect(packed.counts.tokens == tokens)
    #expect(packed.counts.sequences == chunks.count)
    #expect(packed.counts.droppedTokens == tokens - chunks.count * (length + 1))
  }

  @Test(arguments: [2, 7, 256, 40_000])
  func `run_clm's sequences are chunks of their length, whose last token has no label`(
    length: Int
  ) throws {
    let tokenizer = try Tokenizer.embedded()
    let texts = prompts(2_300)
    let packed = PackedSequences(
      texts, tokenizer: tokenizer, packing: Packing(.runCLM, sequenceLength: length))
    let chunks = Self.groupTexts(texts, tokenizer, length)
    #expect(packed.count == chunks.count)
    for (index, chunk) in chunks.enumerated() {
      #expect(packed.input(index).elementsEqual(chunk))
      #expect(packed.labels(index).elementsEqual(chunk.dropFirst() + [-100]))
    }
    #expect(packed.counts.droppedTokens == packed.counts.tokens - chunks.count * length)
  }

  @Test func `nothing packs into nothing`() throws {
    let packed = PackedSequences(
      [], tokenizer: try .embedded(), packing: Packing(sequenceLength: 8))
    #expect(packed.counts == PackingCounts())
  }

  @Test func `a stream reads no further than it must`() throws {
    let texts = (0..<Int.max).lazy.map { EntailmentSet(seed: 0).example($0, of: .train) }
    var stream = PackedStream(
      texts.map(\.mnli.trainingPrompt).makeIterator(), tokenizer: try .embedded(),
      packing: Packing(sequenceLength: 256))
    for _ in 0..<50 { #expect(stream.next()?.count == 257) }
    #expect(stream.counts.sequences == 50)
    #expect(stream.counts.examples == 1_000)
  }

  @Test func `prompts are as short as the recipe assumes`() throws {
    let packed = PackedSequences(
      prompts(2_000), tokenizer: try .embedded(), packing: Packing(sequenceLength: 256))
    let tokensPerExample = Double(packed.counts.tokens) / 2_000
    #expect((18...24).contains(tokensPerExample), "\(tokensPerExample)")
  }
}

@Suite struct BatchSamplerTests {
  private static let sequences = {
    do {
      return PackedSequences(
        prompts(300), tokenizer: try .embedded(), packing: Packing(sequenceLength: 64))
    } catch {
      preconditionFailure("\(error)")
    }
  }()

  @Test func `an epoch shows every sequence at most once, and the next in another order`() throws {
    var sampler = try BatchSampler(Self.sequences, globalBatch: 8, seed: 1)
    let epochs = (0..<2).map { epoch in
      (0..<sampler.batchesPerEpoch).flatMap {
        sampler.rows(at: epoch * sampler.batchesPerEpoch + $0)
      }
    }
    #expect(sampler.batchesPerEpoch == Self.sequences.count / 8)
    for rows in epochs {
      #expect(Set(rows).count == rows.count)
      #expect(rows != rows.sorted())
    }
    #expect(epochs[0] != epochs[1])
  }

  @Test func `a batch depends on seed and step alone`() throws {
    var forward = try BatchSampler(Self.sequences, globalBatch: 8, seed: 1)
    var backward = forward
    let steps = 3 * forward.batchesPerEpoch
    let batches = (0..<steps).map { forward.batch(at: $0) }
    #expect(batches.reversed() == (0..<steps).reversed().map { backward.batch(at: $0) })
    var other = try BatchSampler(Self.sequences, globalBatch: 8, seed: 2)
    #expect(other.batch(at: 0) != batches[0])
  }

  @Test func `a batch is laid out row after row, its labels one token ahead`() throws {
    var sampler = try BatchSampler(Self.sequences, globalBatch: 4, seed: 3)
    let rows = Array(sampler.rows(at: 2))
    let batch = sampler.batch(at: 2)
    #expect(batch.ids.count == 4 * 64 && batch.labels.count == 4 * 64)
    for (row, sequence) in rows.enumerated() {
      let range = (row * 64)..<((row + 1) * 64)
      #expect(batch.ids[range].elementsEqual(Self.sequences.input(sequence)))
      #expect(batch.labels[range].dropLast().elementsEqual(batch.ids[range].dropFirst()))
    }
  }

  @Test func `too little data for one batch is an error that says how much is missing`() {
    let have = Self.sequences.count
    let error = #expect(throws: DatasetsError.self) {
      try BatchSampler(Self.sequences, globalBatch: have + 2, seed: 0)
    }
    let message = error.map(String.init(describing:)) ?? ""
    #expect(message.contains("into \(have) sequences of 64 tokens"), "\(message)")
    #expect(message.contains("2 are missing, about 130 tokens"), "\(message)")
    #expect(throws: Never.self) {
      try BatchSampler(Self.sequences, globalBatch: have, seed: 0)
    }
  }

  @Test func `the generator is SplitMix64`() {
    // First outputs for seed 1234567, from Vigna's splitmix64.c.
    var numbers = SplitMix64(seed: 1_234_567)
    #expect(numbers.next() == 6_457_827_717_110_365_317)
    #expect(numbers.next() == 3_203_168_211_198_807_973)
    #expect(numbers.next() == 9_817_491_932_198_370_423)
  }
}
