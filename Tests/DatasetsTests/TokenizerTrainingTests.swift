import Testing

@testable import Datasets

@Suite struct TokenizerTrainingTests {
  @Test func `the trainer merges the most frequent pair, and of equals the smaller ids`() {
    #expect(
      Self.merges(of: "ab ab ab xy xy cd cd", 400)
        == ["a+b", "c+d", "x+y", "Ġ+ab", "Ġ+cd", "Ġ+xy"])
    #expect(Self.merges(of: "ab ab ab cd cd xy xy", 258) == ["a+b"])
  }

  @Test func `a pair must be as frequent as was asked for`() {
    var trainer = BytePairTrainer()
    trainer.count("ab ab ab cd cd")
    func count(_ frequency: Int) -> Int {
      trainer.train(vocabularySize: 400, minimumFrequency: frequency).merges.count
    }
    #expect((1...4).map(count) == [4, 4, 1, 0])
  }

  @Test func `a token that two pairs spell has one id`() throws {
    var trainer = BytePairTrainer()
    for count in 1...40 { trainer.count(String(repeating: "a", count: count)) }
    let vocabulary = trainer.train(vocabularySize: 400)
    #expect(Set(vocabulary.tokens).count == vocabulary.tokens.count)
    let tokenizer = try Tokenizer(vocabulary)
    #expect(tokenizer.vocabularySize == vocabulary.tokens.count + 1)
    #expect(tokenizer.endOfTextID == Int32(vocabulary.tokens.count))
  }

  @Test func `lines count with their ends, and a line that is no UTF-8 is named`() throws {
    var lines = BytePairTrainer()
    try lines.count(lines: Array("a\n\nb\n".utf8), name: "t.txt")
    #expect(lines.wordCount == 3)  // "a", "\n" and "b", never "\n\n".
    let error = #expect(throws: DatasetsError.self) {
      try lines.count(lines: [0x61, 0x0A, 0x0A, 0xFF, 0x0A], name: "t.txt")
    }
    #expect(error.map { "\($0)" } == "t.txt:3: the line is not valid UTF-8")
  }

  private static func merges(of text: String, _ size: Int) -> [String] {
    var trainer = BytePairTrainer()
    trainer.count(text)
    return trainer.train(vocabularySize: size).merges.map { "\($0)+\($1)" }
  }
}
