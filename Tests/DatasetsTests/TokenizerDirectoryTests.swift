import FoundationEssentials
import Glibc
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
      try FileManager.default.removeItem(atPath: folder + "/tokenizer.json")
      let alone = try Tokenizer(directory: folder)
      #expect(alone.encode(text) == tokenizer.encode(text))
      #expect(alone.endOfTextID == tokenizer.endOfTextID)
    }
  }

  @Test func `What a tokenizer was built from comes back whole, special tokens included`() throws {
    var vocabulary = ["<|endoftext|>": 256, "<pad>": 257, "ab": 258, "日": 259]
    for byte in UInt8.min...UInt8.max { vocabulary[ByteAlphabet.spell([byte])] = Int(byte) }
    let added = ["<pad>": 257, "q\"\\\n\u{1}é": 260]
    let tokenizer = try Tokenizer(vocabulary: vocabulary, merges: [("a", "b")], added: added)
    try withTemporaryFolder { folder in
      try tokenizer.write(to: folder)
      for isSlow in [false, true] {
        if isSlow { try FileManager.default.removeItem(atPath: folder + "/tokenizer.json") }
        let read = try Tokenizer(directory: folder + "/")
        #expect(read.vocabulary == tokenizer.vocabulary)
        #expect(read.specialIDs == tokenizer.specialIDs)
        #expect(read.merges.all == tokenizer.merges.all)
      }
    }
  }

  @Test func `Writing takes away the added tokens of a tokenizer that was there before`() throws {
    try withTemporaryFolder { folder in
      try Data(#"{"<old>": 413}"#.utf8).write(to: URL(filePath: folder + "/added_tokens.json"))
      try Tokenizer.embedded().write(to: folder)
      try FileManager.default.removeItem(atPath: folder + "/tokenizer.json")
      #expect(try Tokenizer(directory: folder).vocabularySize == EmbeddedVocabulary.size)
    }
  }

  @Test func `A place that cannot be written is named`() throws {
    try withTemporaryFolder { folder in
      try Data().write(to: URL(filePath: folder + "/file"))
      #expect { try Tokenizer.embedded().write(to: folder + "/file/x") } throws: {
        "\($0)".hasPrefix(folder + "/file/x: ")
      }
    }
  }

  @Test func `Merges as pairs are read like merges as text`() throws {
    let tokenizer = try Tokenizer.embedded()
    try withTemporaryFolder { folder in
      try edited(in: folder) { text in
        let start = try #require(text.firstRange(of: "\"merges\": [\n")).upperBound
        let end = try #require(text[start...].firstRange(of: "\n]")).lowerBound
        let pairs = text[start..<end].split(separator: ",\n").map {
          "[\($0.replacing(" ", with: "\", \""))]"
        }
        try #require(pairs.count == 156)
        text.replaceSubrange(start..<end, with: pairs.joined(separator: ",\n"))
      }
      let read = try Tokenizer(directory: folder)
      #expect(read.encode(prompts(9).joined()) == tokenizer.encode(prompts(9).joined()))
      #expect(read.merges.all.count == 156)
    }
  }

  @Test func `A byte-level pre-tokenizer may stand alone in a sequence`() throws {
    try withTemporaryFolder { folder in
      try edited(in: folder) { text in
        text = text.replacing(
          #""pre_tokenizer": {"#,
          with: #""pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"#
        ).replacing("true},\n\"post", with: "true}]},\n\"post")
      }
      #expect(try Tokenizer(directory: folder).vocabularySize == EmbeddedVocabulary.size)
    }
  }

  /// Each would give other ids than Hugging Face does, were it let through.
  @Test(arguments: [
    (#""normalizer": null"#, #""normalizer": {"type": "NFC"}"#, "'normalizer' must be null"),
    (#""add_prefix_space": false"#, #""add_prefix_space": true"#, "add_prefix_space' must be fal"),
    (#""add_prefix_space": false, "#, "", "needs ByteLevel with 'add_prefix_space' false"),
    (#""trim_offsets": true}"#, #""use_regex": false}"#, "'pre_tokenizer.use_regex' must be true"),
    (
      #""pre_tokenizer": {"#,
      #""pre_tokenizer": {"pretokenizers": [{"type": "Digits"}], "#,
      #"'pre_tokenizer.pretokenizers[0].type' must be "ByteLevel", not "Digits""#
    ),
    (
      #""post_processor": {"type": "ByteLevel""#, #""post_processor": {"type": "BertProcessing""#,
      #"'post_processor.type' must be "ByteLevel", not "BertProcessing""#
    ),
    (#""type": "BPE""#, #""type": "WordPiece""#, #"'model.type' must be "BPE", not "WordPiece""#),
    (#""dropout": null"#, #""dropout": 0.1"#, "'model.dropout' must be null or 0.0, not 0.1"),
    (#""fuse_unk": false"#, #""ignore_merges": true"#, "'model.ignore_merges' must be false"),
    (#"_suffix": """#, #"_suffix": "</w>""#, "'model.end_of_word_suffix' must be null"),
    (#""lstrip": false"#, #""lstrip": true"#, "'added_tokens[0].lstrip' must be false"),
    (#""id": 412, "#, "", "'added_tokens[0]' needs 'id' and 'content'"),
    (#""id": 412"#, #""id": 4611686018427387904"#, "is not in 0 ..< 1048576"),
    (#""id": 412"#, #""id": 413"#, "has id 412, but 413 as an added token"),
    (#""id": 412"#, #""id": 99999999999999999999"#, "'added_tokens[0].id' must be a whole number"),
    (#""vocab": {"#, #""vocab": {"!": 0, "#, "'!' is given twice"),
    (#""merges": ["#, #""merges": [["a"], "#, "'model.merges[0]' must be"),
    (#""merges": ["#, #""merges": ["a b c", "#, "'model.merges[0]' must be"),
    (#""merges": ["#, #""merges": [["a b", "c"], "#, "has a space in 'a b'"),
    (#""merges": ["#, #""merges": 1, "x": ["#, "expected an array in 'model.merges'"),
  ])
  func `A tokenizer that cuts or joins otherwise is refused by its key`(
    text: String, replacement: String, message: String
  ) throws {
    try withTemporaryFolder { folder in
      try edited(in: folder) { file in
        let range = try #require(file.firstRange(of: text))
        file.replaceSubrange(range, with: replacement)
      }
      #expect { try Tokenizer(directory: folder) } throws: {
        let problem = "\($0)".contains(message)
        if !problem { Issue.record("\($0)") }
        return problem
      }
    }
  }

  @Test(arguments: [
    ("", "expected an object"), ("[]", "expected an object"), ("{}", "no key 'model'"),
    (#"{"model": {"vocab": {"a": "0"}, "merges": []}}"#, "the id of 'a' must be"),
    (#"{"model": {"vocab": {}}}"#, "no key 'model.merges'"),
    (#"{"model": {"vocab": {}, "merges": []}}"#, "no key 'pre_tokenizer'"),
    (#"{"pre_tokenizer": null}"#, "expected ByteLevel in 'pre_tokenizer'"),
    (#"{"pre_tokenizer": {}}"#, "no key 'pre_tokenizer.type'"),
    (#"{"post_processor": {}}"#, "no key 'post_processor.type'"),
    (#"{"added_tokens": [{"id": 1, "content": "a"}, {"id": 2, "content": "a"}]}"#, "second time"),
    (#"{"a": }"#, "expected a value"), (#"{"a": [1, {"b": "}"#, "at the end of a string"),
    (#"{"a": [1, {"b": 2}"#, "the file ends inside a value"), (#"{} x"#, "after the closing"),
    (#"{"a": "# + String(repeating: "[", count: 300_000), "the file ends inside a value"),
  ])
  func `A broken tokenizer file is told by file and line`(json: String, message: String) throws {
    try withTemporaryFolder { folder in
      try Data(json.utf8).write(to: URL(filePath: folder + "/tokenizer.json"))
      let error = #expect(throws: DatasetsError.self) { try Tokenizer(directory: folder) }
      let text = error.map(String.init(describing:)) ?? ""
      #expect(text.hasPrefix(folder + "/tokenizer.json:1: ") && text.contains(message), "\(text)")
    }
  }

  @Test func `A file that is too large or no file is refused before it is read`() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/tokenizer.json"
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      #expect { try Tokenizer(directory: folder) } throws: { "\($0)".contains("regular file") }
      try FileManager.default.removeItem(atPath: path)
      try Data().write(to: URL(filePath: path))
      try #require(truncate(path, 1 << 40) == 0)  // A hole: it takes no room on the disk.
      #expect { try Tokenizer(directory: folder) } throws: { "\($0)".contains("is larger than") }
    }
  }

  @Test func `A directory without a tokenizer says which files were looked for`() throws {
    try withTemporaryFolder { folder in
      #expect { try Tokenizer(directory: folder) } throws: {
        "\($0)".contains("merges.txt") && "\($0)".contains("tokenizer.json")
      }
    }
  }

  /// The embedded tokenizer's `tokenizer.json`, alone in `folder`, with an edit.
  private func edited(in folder: String, _ edit: (inout String) throws -> Void) throws {
    try Tokenizer.embedded().write(to: folder)
    let path = folder + "/tokenizer.json"
    var text = String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    try edit(&text)
    try Data(text.utf8).write(to: URL(filePath: path))
    try FileManager.default.removeItem(atPath: folder + "/merges.txt")
  }
}
