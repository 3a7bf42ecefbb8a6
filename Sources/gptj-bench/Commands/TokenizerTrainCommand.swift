import ArgumentParsing
import Datasets
import Reporting

/// Makes a new vocabulary from text and writes it as a Hugging Face tokenizer.
struct TokenizerTrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Makes a byte-level vocabulary from text, as a Hugging Face tokenizer.",
    discussion: """
      The same merges as tokenizers' ByteLevelBPETokenizer makes from the same files. Ids are \
      ordered as in GPT-2: bytes, merges, \(Tokenizer.endOfText).
      """,
    examples: ["gptj-bench tokenizer train notes.txt --vocabulary-size 8192 --output mine"])

  @Argument(help: "Files of text; - is standard input.")
  var files: [String]

  @Option(
    help: ArgumentHelp("Most ids: 256 bytes, merges, \(Tokenizer.endOfText).", valueName: "n"))
  var vocabularySize: Int

  @Option(help: ArgumentHelp("Where the tokenizer goes.", valueName: "directory"))
  var output: String

  @Option(
    help: ArgumentHelp("How often a pair must occur to be merged.", valueName: "n"))
  var minimumFrequency = 2

  @Flag(help: "Prints one JSON document instead of text.")
  var json = false

  func validate() throws {
    guard (257...Tokenizer.idLimit).contains(vocabularySize) else {
      throw ValidationError(
        "--vocabulary-size is \(vocabularySize), expected from 257 to \(Tokenizer.idLimit)")
    }
    guard minimumFrequency >= 1 else {
      throw ValidationError("--minimum-frequency is \(minimumFrequency), expected at least 1")
    }
  }

  mutating func run() throws {
    let clock = ContinuousClock()
    let start = clock.now
    var trainer = BytePairTrainer()
    var bytes = 0
    for (name, text) in try InputText.bytes(of: files) {
      try trainer.count(lines: text, name: name)
      bytes += text.count
    }
    let words = trainer.wordCount
    let vocabulary = trainer.train(
      vocabularySize: vocabularySize, minimumFrequency: minimumFrequency)
    let tokenizer = try Tokenizer(vocabulary)
    try tokenizer.write(to: output)
    let document = TrainDocument(
      directory: output, bytes: bytes, distinctPieces: words,
      vocabularySize: tokenizer.vocabularySize, merges: vocabulary.merges.count,
      seconds: (clock.now - start) / .seconds(1))
    StandardStream.output.writeOrExit(
      json
        ? try JSONDocument(document, schemaVersion: ReportDocument.schemaVersion).text()
        : document.text(asked: vocabularySize, minimumFrequency))
  }
}

/// What was learnt.
private struct TrainDocument: Encodable {
  let directory: String
  let bytes, distinctPieces, vocabularySize, merges: Int
  let seconds: Double

  func text(asked: Int, _ minimumFrequency: Int) -> String {
    """
    \(directory): \(Format.grouped(vocabularySize)) ids, \(Format.grouped(merges)) merges from \
    \(Format.si(Double(bytes), "B")) with \(Format.grouped(distinctPieces)) distinct pieces, \
    \(Format.duration(seconds: seconds))

    """
      + (vocabularySize < asked
        ? "No other pair occurs \(minimumFrequency) times: \(Format.grouped(asked)) ids need more "
          + "text.\n"
        : "")
  }
}
