import Testing

@testable import Datasets

@Suite struct TokenizerTests {
  @Test(arguments: [
    ("don't I've we'll", ["don", "'t", " I", "'ve", " we", "'ll"]),
    ("DON'T 's's", ["DON", "'", "T", " '", "s", "'s"]),
    ("a  b\n\nc ", ["a", " ", " b", "\n", "\n", "c", " "]),
    ("a \n b", ["a", " \n", " b"]),
    (" x1 2.50€", [" x", "1", " 2", ".", "50", "€"]),
    ("x\r\ny", ["x", "\r", "\n", "y"]),
    ("e\u{301} ½ 日本\u{3000}語", ["e", "\u{301}", " ½", " 日本", "\u{3000}", "語"]),
    ("'", ["'"]), (" '", [" '"]), ("   ", ["   "]), ("", []), ("it's<", ["it", "'s", "<"]),
  ])
  func `text is cut as GPT-2's pattern cuts it`(text: String, pieces: [String]) {
    let bytes = Array(text.utf8)
    let scanner = PreTokenizer()
    var found: [String] = []
    var start = 0
    while start < bytes.count {
      let end = scanner.endOfPiece(in: bytes.span, at: start)
      found.append(String(decoding: bytes[start..<end], as: UTF8.self))
      start = end
    }
    // By scalars: strings that only look alike must not count as equal.
    #expect(found.map { Array($0.unicodeScalars) } == pieces.map { Array($0.unicodeScalars) })
  }

  @Test(arguments: [
    "", "all owls sleep", "\u{0}\u{7F}ÿĀ€😀", "e\u{301}\r\n\r\n", "<|endoftext|>x<|endoftext", "Ġ Ċ",
  ])
  func `decoding gives back what was encoded`(text: String) throws {
    let tokenizer = try Tokenizer.embedded()
    let decoded = tokenizer.decode(tokenizer.encode(text))
    #expect(Array(decoded.utf8) == Array(text.utf8))
  }

  @Test func `every byte has its own stand-in`() {
    #expect(Set(ByteAlphabet.scalars).count == 256)
    #expect(ByteAlphabet.spell(Array(" a\n\u{7F}".utf8)) == "ĠaĊġ")
    for byte in UInt8.min...UInt8.max {
      #expect(ByteAlphabet.bytes(of: ByteAlphabet.spell([byte])) == [byte])
    }
    #expect(ByteAlphabet.bytes(of: "日") == nil)
  }

  @Test func `the lowest rank merges first, and of equals the leftmost`() throws {
    let tokenizer = try Self.tokenizer(merges: [("b", "c"), ("a", "b"), ("a", "a")])
    #expect(Self.spellings(of: "abc", tokenizer) == ["a", "bc"])
    #expect(Self.spellings(of: "abab", tokenizer) == ["ab", "ab"])
    #expect(Self.spellings(of: "aaa", tokenizer) == ["aa", "a"])
  }

  @Test func `special tokens are cut out first, the longest of those that fit`() throws {
    let added = ["<|x|>": 300, "<|x|>y": 301, "<|x|>yyy": 302, "éé": 303]
    let tokenizer = try Self.tokenizer(merges: [], added: added)
    #expect(tokenizer.encode("<|x|>y<|x|><|endoftext|>") == [301, 300, tokenizer.endOfTextID])
    #expect(tokenizer.encode("<|x|>yy<|x|>yyy<|x") == [301, 121, 302, 60, 124, 120])
    #expect(tokenizer.encode("<<|x|>éé") == [60, 300, 303])
    #expect(tokenizer.vocabularySize == 304)
    // An added token is spelled as it is, not in the byte alphabet.
    #expect(tokenizer.decode([303]) == "éé")
  }

  @Test func `a long piece merges like a short one, in bounded time`() throws {
    let tokenizer = try Self.tokenizer(merges: [("a", "a"), ("aa", "aa"), ("aaaa", "aa")])
    let ids = tokenizer.encode(String(repeating: "a", count: 1_000_003))
    #expect(ids == [Int32](repeating: 257, count: 249_999) + [258, 97])
  }

  @Test func `a decoder that gets one id at a time gives the same text, characters whole`() throws {
    let tokenizer = try Tokenizer.embedded()
    var decoder = TokenDecoder(tokenizer)
    let parts = tokenizer.encode("a é 日😀!").map { decoder.decode($0) } + [decoder.finish()]
    #expect(parts.filter { !$0.isEmpty } == ["a", " ", "é", " ", "日", "😀", "!"])

    var generator = SplitMix64(seed: 47)
    for _ in 0..<2_000 {
      let ids = (0..<12).map { _ in Int32.random(in: 60..<260, using: &generator) }
      let text = ids.map { decoder.decode($0) }.joined() + decoder.finish()
      try #require(Array(text.utf8) == Array(tokenizer.decode(ids).utf8))
    }
  }

  @Test func `unknown ids and broken UTF-8 decode to the replacement character`() throws {
    let tokenizer = try Tokenizer.embedded()
    #expect(tokenizer.decode([-1, Int32.max]) == "\u{FFFD}\u{FFFD}")
    #expect(tokenizer.decode([tokenizer.encode("é")[0]]) == "\u{FFFD}")
  }

  @Test func `an encoder that remembers words gives the ids of one that does not`() throws {
    let tokenizer = try Tokenizer.embedded()
    var encoder = TokenEncoder(tokenizer)
    for text in prompts(50) + ["0123456789abcdef0123456789abcdef", "0123456789abcde"] {
      #expect(encoder.encode(text) == tokenizer.encode(text))
      #expect(encoder.encode(text) == tokenizer.encode(text))
    }
  }

  /// The bytes' ids are the bytes, then come the merges.
  static func tokenizer(
    merges: [(String, String)], added: [String: Int] = [:]
  ) throws(DatasetsError) -> Tokenizer {
    var vocabulary = ["<|endoftext|>": 299]
    for byte in UInt8.min...UInt8.max { vocabulary[ByteAlphabet.spell([byte])] = Int(byte) }
    for (index, pair) in merges.enumerated() { vocabulary[pair.0 + pair.1] = 256 + index }
    return try Tokenizer(vocabulary: vocabulary, merges: merges, added: added)
  }

  private static func spellings(of text: String, _ tokenizer: Tokenizer) -> [String] {
    tokenizer.encode(text).map { tokenizer.decode([$0]) }
  }
}
