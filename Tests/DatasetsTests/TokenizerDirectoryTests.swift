import FoundationEssentials
import Testing

@testable import Datasets

@Suite struct TokenizerDirectoryTests {
  @Test func `The embedded tokenizer is the same after writing and reading, in both forms`() throws
  {
    let tokenizer = try Tokenizer.embedded()
    let text = prompts(40).joined() + "Żółć \u{1F600}\t\"\\"
    try withTemporaryFolder { folder in
      try tokenizer.write(to: folder)
      let whole = try Tokenizer(directory: folder)
      #expect(whole.encode(text) == tokenizer.encode(text))
      #expect(whole.vocabularySize == tokenizer.vocabularySize)
      try FileManager.default.removeItem(atPath: folder + "/vocab.json")
      let alone = try Tokenizer(directory: folder)
      #expect(alone.encode(text) == tokenizer.encode(text))
      #expect(alone.endOfTextID == tokenizer.endOfTextID)
    }
  }

  @Test func `Merges as pairs are read like merges as text`() throws {
    let tokenizer = try Tokenizer.embedded()
    try withTemporaryFolder { folder in
      try tokenizer.write(to: folder)
      let path = folder + "/tokenizer.json"
      let text = String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
      let start = try #require(text.firstRange(of: "\"merges\": [")).upperBound
      let pairs = text[start...].split(separator: "\", \"").map {
        $0.split(separator: " ").count == 2
          ? "[\"" + $0.replacing("\"", with: "").replacing(" ", with: "\", \"") + "\"]" : String($0)
      }
      try #require(pairs.count > 100)
      let last = try #require(pairs.last).replacing("]}}\n", with: "")
      let body = (pairs.dropLast() + [last]).joined(separator: ", ")
      try Data((text[..<start] + body + "]}}").utf8).write(to: URL(filePath: path))
      try FileManager.default.removeItem(atPath: folder + "/merges.txt")
      let read = try Tokenizer(directory: folder)
      #expect(read.encode(prompts(9).joined()) == tokenizer.encode(prompts(9).joined()))
    }
  }

  @Test(arguments: [
    ("", "cannot be read"), ("[]", "model"), ("{}", "'model' is missing"),
    (#"{"model": {"vocab": {"a": "0"}, "merges": []}}"#, "model.vocab.a"),
    (#"{"model": {"vocab": {}, "merges": ["a b c"]}}"#, "merges"),
    (#"{"model": {"type": "Unigram", "vocab": {}, "merges": []}}"#, "'Unigram', expected 'BPE'"),
    (#"{"model": {"vocab": {}, "merges": []}}"#, "pre_tokenizer"),
    (
      #"{"model": {"vocab": {}, "merges": []}, "pre_tokenizer": {"type": "ByteLevel"}}"#,
      "no entry"
    ),
  ])
  func `Another tokenizer is refused, naming what is wrong`(_ json: String, _ message: String)
    throws
  {
    try withTemporaryFolder { folder in
      try Data(json.utf8).write(to: URL(filePath: folder + "/tokenizer.json"))
      #expect { try Tokenizer(directory: folder) } throws: {
        "\($0)".contains(message) || json.isEmpty
      }
    }
  }

  @Test func `A directory without a tokenizer says which files were looked for`() throws {
    try withTemporaryFolder { folder in
      #expect { try Tokenizer(directory: folder) } throws: {
        "\($0)".contains("merges.txt") && "\($0)".contains("tokenizer.json")
      }
    }
  }
}
