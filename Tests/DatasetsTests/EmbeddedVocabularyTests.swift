import FoundationEssentials
import Testing

@testable import Datasets

@Suite struct EmbeddedVocabularyTests {
  private static let sources = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Sources/Datasets/Resources")

  @Test func `training again gives the checked-in files`() throws {
    let vocabulary = EmbeddedVocabulary.train()
    for (name, text) in [
      ("vocab.json", vocabulary.vocabularyFile), ("merges.txt", vocabulary.mergesFile),
    ] {
      let file = Self.sources.appending(path: name)
      if ProcessInfo.processInfo.environment["GPTJ_BENCH_RECORD"] != nil {
        try Data(text.utf8).write(to: file)
        Issue.record("recorded \(name): look at the difference, then run without recording")
      }
      #expect(try String(decoding: Data(contentsOf: file), as: UTF8.self) == text)
    }
  }

  @Test func `the embedded files are the checked-in ones`() throws {
    let files = [
      ("vocab.json", PackageResources.vocab_json), ("merges.txt", PackageResources.merges_txt),
    ]
    for (name, embedded) in files {
      #expect(try Array(Data(contentsOf: Self.sources.appending(path: name))) == embedded)
    }
  }

  @Test func `every word of the training genres is one token with its leading space`() throws {
    let tokenizer = try Tokenizer.embedded()
    let examples = EntailmentSet(seed: 7).examples(of: .train, count: 500)
    let words = Set(
      examples.flatMap { "\($0.hypothesis) \($0.premise) \($0.label)".split(separator: " ") })
    #expect(words.count > 30)
    for word in words { #expect(tokenizer.encode(" \(word)").count == 1, "\(word)") }
    #expect(
      tokenizer.encode("mnli hypothesis: x premise: y target:").count == 11)
  }

  @Test func `a held-out genre's word is a few known pieces`() throws {
    let tokenizer = try Tokenizer.embedded()
    for noun in Genre.traffic.nouns {
      #expect((2...7).contains(tokenizer.encode(" \(noun)").count), "\(noun)")
    }
  }

  @Test func `vocabulary and end of text have the ids that models are built for`() throws {
    let tokenizer = try Tokenizer.embedded()
    #expect(tokenizer.vocabularySize == EmbeddedVocabulary.size)
    #expect(tokenizer.endOfTextID == Int32(EmbeddedVocabulary.size - 1))
    #expect(tokenizer.encode("<|endoftext|>") == [tokenizer.endOfTextID])
  }
}
