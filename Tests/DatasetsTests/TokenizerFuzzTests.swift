import Testing

@testable import Datasets

/// Files changed at random: each is refused with a reason, or gives a tokenizer that works.
@Suite struct TokenizerFuzzTests {
  @Test(arguments: ["tokenizer.json", "vocab.json", "merges.txt"])
  func `No change to a tokenizer's file makes it trap or lose text`(name: String) throws {
    var generator = SplitMix64(seed: 47)
    let whole = try files()
    var read = 0
    for _ in 0..<1_500 {
      var changed = whole
      Self.change(&changed[name, default: []], &generator)
      guard let tokenizer = Self.open(changed, name) else { continue }
      read += 1
      let text = "all owls sleep, 日本 \u{1F600}<|endoftext|>"
      #expect(Array(tokenizer.decode(tokenizer.encode(text)).utf8) == Array(text.utf8))
    }
    // Otherwise every file fell at the first hurdle, and nothing behind it was tried.
    #expect(read > 15)
  }

  /// The tokenizer of the three files, or nil where they are refused by name.
  private static func open(_ files: [String: [UInt8]], _ name: String) -> Tokenizer? {
    do {
      if name == "tokenizer.json" {
        return try Tokenizer(TokenizerFile.parse(files[name, default: []], name: name))
      }
      return try Tokenizer(
        vocabulary: VocabularyFile.parse(files["vocab.json", default: []], name: "vocab.json"),
        merges: MergesFile.parse(files["merges.txt", default: []], name: "merges.txt"))
    } catch {
      let message = "\(error)"
      #expect(message.hasPrefix(name + ":") || message.hasPrefix("vocabulary: "), "\(message)")
      #expect(message.unicodeScalars.count < 400, "\(message)")
      return nil
    }
  }

  private func files() throws -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    try withTemporaryFolder { folder in
      try Tokenizer.embedded().write(to: folder)
      for name in ["tokenizer.json", "vocab.json", "merges.txt"] {
        files[name] = try Tokenizer.bytes(of: "\(folder)/\(name)")
      }
    }
    return files
  }

  /// One to three changes: a byte, a piece taken out, doubled or moved, or something hostile put in.
  private static func change(_ bytes: inout [UInt8], _ generator: inout SplitMix64) {
    let hostile = [
      "[", "]", "{", "}", "\"", "\\", "\\ud800", "\\u0000", ",", ":", "-1", "1e9", "null", " ",
      "\n",
      "1048576", "99999999999999999999", "<|endoftext|>", "Ġ", "\u{301}", "\"a\": 65,", "a b\n",
      String(repeating: "[", count: 5_000), String(repeating: "9", count: 5_000),
    ]
    for _ in 0..<Int.random(in: 1...3, using: &generator) {
      let start = Int.random(in: 0...bytes.count, using: &generator)
      let end = min(bytes.count, start + Int.random(in: 0...40, using: &generator))
      switch Int.random(in: 0..<6, using: &generator) {
      case 0: if start < end { bytes[start] = .random(in: 0...255, using: &generator) }
      case 1: if start < end { bytes[start] ^= 1 << UInt8.random(in: 0..<8, using: &generator) }
      case 2: bytes.removeSubrange(start..<end)
      case 3: bytes.insert(contentsOf: bytes[start..<end], at: start)
      case 4: if end < bytes.count { bytes.swapAt(start, end) }
      default:
        let text = hostile[Int.random(in: hostile.indices, using: &generator)]
        bytes.insert(contentsOf: text.utf8, at: start)
      }
    }
  }
}
