import ArgumentParsing
import Datasets
import FineTuning
import Reporting

/// Says how likely a pretrained model finds the tokens of given texts.
struct ScoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "score",
    abstract: "Prints per-token log-probabilities of texts under a Hugging Face GPT-J.",
    discussion:
      "Natural logarithms, each token given all before it. The first token has none; --bos puts "
      + "<|endoftext|> before it. Without texts, standard input is scored line by line.",
    examples: [
      "gptj-bench score --pretrained trained --text 'the dog sleeps'",
      "gptj-bench score --pretrained trained --ids 464,3290",
      "gptj-bench score --pretrained trained --context 'the dog' --continuation ' sleeps' --json",
      "gptj-bench score --pretrained trained --requests harness.jsonl --json",
    ])

  @OptionGroup var pretrained: PretrainedOptions

  @Option(help: ArgumentHelp("A text; may be repeated.", valueName: "text"))
  var text: [String] = []

  @Option(help: ArgumentHelp("Token ids between commas; may be repeated.", valueName: "ids"))
  var ids: [TokenIDs] = []

  @Option(
    help: ArgumentHelp("What the continuations go on from; not scored itself.", valueName: "text"))
  var context: String?

  @Option(
    help: ArgumentHelp("A text to score after the context; may be repeated.", valueName: "text"))
  var continuation: [String] = []

  @Option(
    help: ArgumentHelp(
      "JSON lines with text, or ids, or context and continuation.", valueName: "file.jsonl"))
  var requests: String?

  @Flag(help: "Puts <|endoftext|> before texts and ids, so that their first token is scored.")
  var bos = false

  @OptionGroup var emulator: EmulatorOptions

  @Flag(help: "Prints one JSON document instead of text.")
  var json = false

  func validate() throws {
    guard (context == nil) == continuation.isEmpty else {
      throw ValidationError("--context and --continuation go together")
    }
  }

  mutating func run() throws {
    let model = try pretrained.model()
    let setup = try HostSetup(
      ranks: pretrained.tensorParallel, tensorParallel: pretrained.tensorParallel, emulator)
    let requests = try texts().map { request($0, model.tokenizer) }
    let scores = try model.scorer(setup.emulatorOptions).scores(requests)
    let document = ScoreDocument(requests, scores, model.tokenizer)
    StandardStream.output.writeOrExit(
      json
        ? try JSONDocument(document, schemaVersion: ReportDocument.schemaVersion).text()
        : document.text)
  }

  private func texts() throws -> [ScoringText] {
    var texts = text.map { ScoringText.text($0) } + ids.map { .ids($0.ids) }
    texts += continuation.map { .continuation(context: context ?? "", $0) }
    if let requests { texts += try ScoringText.read(jsonLines: requests) }
    guard texts.isEmpty, requests == nil else { return texts }
    while let line = readLine() { texts.append(.text(line)) }
    guard !texts.isEmpty else {
      throw DatasetsError.malformed(
        file: "standard input", line: 1, problem: "there is nothing to score; expected a text")
    }
    return texts
  }

  private func request(_ text: ScoringText, _ tokenizer: Tokenizer) -> ScoringRequest {
    let start = bos ? [tokenizer.endOfTextID] : []
    return switch text {
    case .text(let text): ScoringRequest(start + tokenizer.encode(text))
    case .ids(let ids): ScoringRequest(start + ids)
    case .continuation(let context, let text):
      ScoringRequest(context: context, continuation: text, tokenizer)
    }
  }
}

/// `464,3290`.
struct TokenIDs: ExpressibleByArgument {
  let ids: [Int32]

  init?(argument: String) {
    let words = argument.split(separator: ",", omittingEmptySubsequences: false)
    ids = words.compactMap { Int32($0) }
    guard ids.count == words.count else { return nil }
  }

  static let expectation = "token ids between commas"
}
