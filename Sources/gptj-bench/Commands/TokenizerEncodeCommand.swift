import ArgumentParsing
import Datasets
import Reporting

/// Prints the ids of texts, or how many there are and how fast they came.
struct TokenizerEncodeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "encode",
    abstract: "Prints the token ids of text, one line of ids for each line of text.",
    discussion: """
      A line's end is not part of its text; bytes that are no UTF-8 are read as U+FFFD. With \
      --count, the first pass meets each word for the first time, a later one remembers them.
      """,
    examples: [
      "gptj-bench tokenizer encode --text 'all owls sleep'",
      "gptj-bench tokenizer encode notes.txt --tokenizer gpt-j-6B",
      "gptj-bench tokenizer encode notes.txt --count --passes 5",
    ])

  @Argument(help: "Files of text (default: standard input).")
  var files: [String] = []

  @Option(help: ArgumentHelp("A text instead of files.", valueName: "text"))
  var text: [String] = []

  @Flag(help: "Takes each file as one text, ends of lines included.")
  var whole = false

  @Flag(help: "Prints counts and speed instead of ids.")
  var count = false

  @Option(help: ArgumentHelp("Passes over the texts to time, with --count.", valueName: "n"))
  var passes = 1

  @OptionGroup var options: TokenizerOptions

  func validate() throws {
    guard files.isEmpty || text.isEmpty else {
      throw ValidationError("either files or --text, not both")
    }
    guard (1...1_000_000).contains(passes) else {
      throw ValidationError("--passes is \(passes), expected from 1 to 1000000")
    }
    guard count || passes == 1 else { throw ValidationError("--passes needs --count") }
  }

  mutating func run() throws {
    var encoder = TokenEncoder(try options.open())
    let texts = try texts()
    if count {
      try printCounts(of: texts, &encoder)
    } else {
      try printIDs(of: texts, &encoder)
    }
  }

  private func texts() throws -> [String] {
    guard text.isEmpty else { return text }
    return try InputText.bytes(of: files).flatMap { _, bytes in
      whole ? [String(decoding: bytes, as: UTF8.self)] : InputText.lines(of: bytes)
    }
  }

  private func printIDs(of texts: [String], _ encoder: inout TokenEncoder) throws {
    let results = texts.map { IDsDocument.Result(text: $0, ids: encoder.encode($0)) }
    StandardStream.output.writeOrExit(
      options.json
        ? try JSONDocument(
          IDsDocument(results: results), schemaVersion: ReportDocument.schemaVersion
        ).text()
        : results.map { $0.ids.map(String.init).joined(separator: " ") + "\n" }.joined())
  }

  private func printCounts(of texts: [String], _ encoder: inout TokenEncoder) throws {
    let clock = ContinuousClock()
    var document = CountsDocument(texts: texts.count, bytes: texts.reduce(0) { $0 + $1.utf8.count })
    for _ in 0..<passes {
      var encoded: [[Int32]] = []
      encoded.reserveCapacity(texts.count)
      let time = clock.measure { for text in texts { encoded.append(encoder.encode(text)) } }
      document.tokens = encoded.reduce(0) { $0 + $1.count }
      document.passSeconds.append(time / .seconds(1))
    }
    StandardStream.output.writeOrExit(
      options.json
        ? try JSONDocument(document, schemaVersion: ReportDocument.schemaVersion).text()
        : document.text)
  }
}

/// The ids as JSON.
private struct IDsDocument: Encodable {
  struct Result: Encodable {
    let text: String
    let ids: [Int32]
  }

  let results: [Result]
}

/// What `--count` prints.
private struct CountsDocument: Encodable {
  let texts, bytes: Int
  var tokens = 0
  var passSeconds: [Double] = []

  var text: String {
    """
    \(Format.grouped(texts)) text\(texts == 1 ? "" : "s"), \(Format.grouped(bytes)) bytes, \(Format.grouped(tokens)) \
    tokens: \(Format.fixed(Double(bytes) / Double(max(tokens, 1)), 2)) bytes a token

    """
      + passSeconds.enumerated().map { index, seconds in
        """
        pass \(index + 1): \(Format.duration(seconds: seconds)), \
        \(Format.si(Double(tokens) / seconds, "tokens/s", digits: 3)), \
        \(Format.si(Double(bytes) / seconds, "B/s", digits: 3))

        """
      }.joined()
  }
}
