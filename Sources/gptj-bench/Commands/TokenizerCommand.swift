import ArgumentParsing
import Datasets
import Reporting

/// Text to ids and back, and new vocabularies.
struct TokenizerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokenizer",
    abstract: "Encodes and decodes text as GPT-J does; trains new vocabularies.",
    subcommands: [TokenizerEncodeCommand.self, Decode.self, TokenizerTrainCommand.self])

  struct Decode: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "decode",
      abstract: "Prints the text of token ids, one text for each line of ids.",
      discussion: """
        Ids are separated by spaces or commas. Bytes that are no UTF-8, and ids that the tokenizer \
        does not have, become U+FFFD.
        """,
      examples: [
        "gptj-bench tokenizer decode --ids 258,261",
        "gptj-bench tokenizer encode notes.txt | gptj-bench tokenizer decode",
      ])

    @Argument(help: "Files of ids (default: standard input).")
    var files: [String] = []

    @Option(help: ArgumentHelp("Ids instead of files.", valueName: "ids"))
    var ids: [String] = []

    @OptionGroup var options: TokenizerOptions

    func validate() throws {
      guard files.isEmpty || ids.isEmpty else {
        throw ValidationError("either files or --ids, not both")
      }
    }

    mutating func run() throws {
      let tokenizer = try options.open()
      var results: [Text] = []
      let inputs =
        ids.isEmpty
        ? try InputText.bytes(of: files).map { ($0.name, InputText.lines(of: $0.bytes)) }
        : [("--ids", ids)]
      for (name, lines) in inputs {
        for (index, line) in lines.enumerated() {
          let ids = try Self.ids(line, name, index + 1)
          results.append(Text(ids: ids, text: tokenizer.decode(ids)))
        }
      }
      StandardStream.output.writeOrExit(
        options.json
          ? try JSONDocument(
            Document(results: results), schemaVersion: ReportDocument.schemaVersion
          ).text()
          : results.map { $0.text + "\n" }.joined())
    }

    private static func ids(
      _ line: String, _ file: String, _ number: Int
    ) throws(DatasetsError) -> [Int32] {
      var ids: [Int32] = []
      for word in line.split(whereSeparator: { $0 == " " || $0 == "," || $0 == "\t" }) {
        guard let id = Int32(word), id >= 0 else {
          throw .malformed(
            file: file, line: number, problem: "'\(word.prefix(40))' is not the id of a token")
        }
        ids.append(id)
      }
      return ids
    }

    private struct Text: Encodable {
      let ids: [Int32]
      let text: String
    }

    private struct Document: Encodable {
      let results: [Text]
    }
  }
}

/// Which tokenizer, and how its results are printed.
struct TokenizerOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A Hugging Face tokenizer of GPT-2's kind (default: the embedded one).",
      valueName: "directory"))
  var tokenizer: String?

  @Flag(help: "Prints one JSON document instead of text.")
  var json = false

  /// - Throws: `DatasetsError` naming the file.
  func open() throws -> Tokenizer {
    try tokenizer.map { try Tokenizer(directory: $0) } ?? .embedded()
  }
}
