import Foundation
import Testing

@testable import Datasets

/// Hugging Face tokenizers beside ours; `Scripts/check-tokenizer` does it at full length.
@Suite(
  .enabled(if: python("import tokenizers") != nil, "needs python3 with tokenizers"))
struct TokenizerReferenceTests {
  @Test func `ids equal the reference's on characters in context and on any bytes`() throws {
    var generator = SplitMix64(seed: 47)
    var texts = (UInt32(0)..<0x3400).compactMap(Unicode.Scalar.init).map {
      Array(codePointInContext($0).utf8)
    }
    for _ in 0..<300 {
      texts.append((0..<200).map { _ in .random(in: 0...255, using: &generator) })
      texts.append((0..<200).map { _ in .random(in: 0xC0...0xFF, using: &generator) & 0xBF })
    }
    texts += prompts(300).map { Array($0.utf8) }
    try withReference { tokenizer, folder in
      try write(texts.map { $0.map(Int32.init) }, to: folder + "/texts")
      try #require(
        python(
          Self.rows + """
            tokenizer = tokenizers.Tokenizer.from_file(sys.argv[1] + "/tokenizer.json")
            texts = [bytes(row).decode("utf-8", "replace") for row in read("texts")]
            write("ids", [encoding.ids for encoding in tokenizer.encode_batch_fast(texts)])
            """, folder) != nil)
      var encoder = TokenEncoder(tokenizer)
      let ids = try read(folder + "/ids")
      #expect(ids.count == texts.count)
      for (text, expected) in zip(texts, ids) {
        let text = String(decoding: text, as: UTF8.self)
        try #require(encoder.encode(text) == expected, "of \(text.debugDescription)")
      }
    }
  }

  @Test func `text equals the reference's for random ids`() throws {
    var generator = SplitMix64(seed: 47)
    try withReference { tokenizer, folder in
      let rows = (0..<2_000).map { _ in
        (0..<12).map { _ in
          Int32.random(in: 0..<Int32(tokenizer.vocabularySize), using: &generator)
        }
      }
      try write(rows, to: folder + "/ids")
      try #require(
        python(
          Self.rows + """
            tokenizer = tokenizers.Tokenizer.from_file(sys.argv[1] + "/tokenizer.json")
            texts = [tokenizer.decode(row, skip_special_tokens=False) for row in read("ids")]
            write("texts", [text.encode() for text in texts])
            """, folder) != nil)
      let texts = try read(folder + "/texts").map { $0.map { UInt8(truncatingIfNeeded: $0) } }
      #expect(rows.map { Array(tokenizer.decode($0).utf8) } == texts)
    }
  }

  @Test func `training makes the reference's merges, ties and repeats included`() throws {
    var generator = SplitMix64(seed: 47)
    let alphabets = ["a", "ab", "abc ", "ab.- ", "aàb ", "-=\n"].map(Array.init)
    let texts = (0..<60).map { index in
      (0..<50).map { _ in
        let piece = (0..<Int.random(in: 1...30, using: &generator)).map { _ in
          String(alphabets[index % alphabets.count].randomElement(using: &generator) ?? "a")
        }.joined()
        return String(repeating: piece, count: Int.random(in: 1...3, using: &generator))
      }.joined(separator: index.isMultiple(of: 2) ? "\n" : " ")
    }
    try withReference { _, folder in
      for (index, text) in texts.enumerated() {
        try Data(text.utf8).write(to: URL(filePath: "\(folder)/\(index).txt"))
      }
      let output = try #require(
        python(
          Self.rows + """
            import json
            for index in range(60):
              trained = tokenizers.ByteLevelBPETokenizer()
              trained.train([f"{sys.argv[1]}/{index}.txt"], vocab_size=400, min_frequency=2,
                            show_progress=False, special_tokens=["<|endoftext|>"])
              merges = json.loads(trained._tokenizer.to_str())["model"]["merges"]
              print(" ".join(merge.replace(" ", "+") if type(merge) is str else "+".join(merge)
                             for merge in merges))
            """, folder))
      let expected = output.split(separator: "\n", omittingEmptySubsequences: false).map(
        String.init)
      for (text, merges) in zip(texts, expected) {
        var trainer = BytePairTrainer()
        try trainer.count(lines: Array(text.utf8), name: "text")
        let ours = trainer.train(vocabularySize: 400).merges.map { "\($0)+\($1)" }
        try #require(ours.joined(separator: " ") == merges, "of \(text.debugDescription)")
      }
    }
  }

  @Test(.enabled(if: python("import transformers") != nil, "needs transformers"))
  func `transformers loads a trained tokenizer and gives our ids`() throws {
    var trainer = BytePairTrainer()
    let texts = prompts(200) + ["It's naïve \u{1F600}, isn't it?\t12  3"]
    for text in texts { trainer.count(text) }
    let tokenizer = try Tokenizer(trainer.train(vocabularySize: 350))
    try withTemporaryFolder { folder in
      try tokenizer.write(to: folder)
      try write(texts.map { $0.utf8.map(Int32.init) }, to: folder + "/texts")
      try #require(
        python(
          Self.rows + """
            import transformers
            tokenizer = transformers.AutoTokenizer.from_pretrained(sys.argv[1])
            write("ids", tokenizer([bytes(row).decode() for row in read("texts")])["input_ids"])
            """, folder) != nil)
      #expect(try read(folder + "/ids") == texts.map { tokenizer.encode($0) })
    }
  }

  /// Runs `body` with the embedded tokenizer and a folder that holds its files.
  private func withReference(_ body: (Tokenizer, String) throws -> Void) throws {
    let tokenizer = try Tokenizer.embedded()
    try withTemporaryFolder { folder in
      try tokenizer.write(to: folder)
      try body(tokenizer, folder)
    }
  }

  /// Rows of numbers in a file, as `write` and `read` below have them.
  private static let rows = """
    import array, sys, tokenizers
    def read(name):
      numbers = array.array("i", open(f"{sys.argv[1]}/{name}", "rb").read())
      rows, start = [], 0
      while start < len(numbers):
        rows.append(numbers[start + 1:start + 1 + numbers[start]].tolist())
        start += 1 + numbers[start]
      return rows
    def write(name, rows):
      with open(f"{sys.argv[1]}/{name}", "wb") as file:
        for row in rows: array.array("i", [len(row), *row]).tofile(file)

    """
}

/// Rows of 32-bit numbers, each after its length.
private func write(_ rows: [[Int32]], to path: String) throws {
  let numbers = rows.flatMap { [Int32($0.count)] + $0 }
  try numbers.withUnsafeBytes { try Data($0).write(to: URL(filePath: path)) }
}

private func read(_ path: String) throws -> [[Int32]] {
  let numbers = try Data(contentsOf: URL(filePath: path)).withUnsafeBytes {
    Array($0.bindMemory(to: Int32.self))
  }
  var rows: [[Int32]] = []
  var start = 0
  while start < numbers.count {
    let end = start + 1 + Int(numbers[start])
    rows.append(Array(numbers[(start + 1)..<end]))
    start = end
  }
  return rows
}

/// Runs a Python program; its output, or nil when there is no python3 or it failed.
private func python(_ program: String, _ arguments: String...) -> String? {
  let process = Process()
  process.executableURL = URL(filePath: "/usr/bin/env")
  process.arguments = ["python3", "-c", program] + arguments
  let output = Pipe()
  process.standardOutput = output
  process.standardError = FileHandle.nullDevice
  guard (try? process.run()) != nil else { return nil }
  let data = output.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  return process.terminationStatus == 0 ? String(decoding: data, as: UTF8.self) : nil
}
