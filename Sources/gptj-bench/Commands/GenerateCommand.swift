import ArgumentParsing
import Datasets
import FineTuning
import Glibc
import Reporting

/// Continues prompts with a pretrained model.
struct GenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Continues prompts with a Hugging Face GPT-J on emulated shards.",
    discussion: """
      Always the most likely token, of equal ones the first, unless an option says to draw: \
      temperature, then top-k, then top-p, as transformers.
      """,
    examples: [
      "gptj-bench generate --pretrained trained --prompt 'mnli hypothesis:'",
      "gptj-bench generate --pretrained trained --top-k 40 --temperature 0.8 < prompts.txt",
    ])

  @OptionGroup var pretrained: PretrainedOptions

  @Option(
    help: ArgumentHelp(
      "A text to go on from; may be repeated (default: the lines of standard input).",
      valueName: "text"))
  var prompt: [String] = []

  @Option(help: ArgumentHelp("Most tokens to add to a prompt.", valueName: "n"))
  var outputLength = 20

  @Option(
    help: ArgumentHelp(
      "Most tokens of a prompt and its answer (default: longest prompt + output length).",
      valueName: "n"))
  var sequenceLength: Int?

  @Option(help: ArgumentHelp("Prompts to continue at once.", valueName: "n"))
  var batch = 32

  @OptionGroup var sampling: SamplingOptions

  @OptionGroup var emulator: EmulatorOptions

  @Flag(help: "Prints one JSON document instead of text.")
  var json = false

  func validate() throws {
    for (flag, value, most) in [
      ("--output-length", outputLength, 1_000_000), ("--batch", batch, 4096),
      ("--sequence-length", sequenceLength ?? 2, 1_000_000),
    ] where !(1...most).contains(value) {
      throw ValidationError("\(flag) is \(value), expected from 1 to \(most)")
    }
  }

  mutating func run() throws {
    let clock = ContinuousClock.now
    let prompts = try texts()
    let model = try pretrained.model()
    let ids = prompts.map { model.tokenizer.encode($0) }
    let setup = try HostSetup(
      ranks: pretrained.tensorParallel, tensorParallel: pretrained.tensorParallel, emulator)
    let generator = try model.generator(
      for: ids, outputLength: outputLength, sequenceLength: sequenceLength, batch: batch,
      sampling: sampling.sampling, setup.emulatorOptions)
    let loadSeconds = (ContinuousClock.now - clock) / .seconds(1)
    let isLive =
      !json && prompts.count == 1 && Terminal.detect(.output).isInteractive
    var live = LiveText(prompts[0], model.tokenizer)
    let answers = try generator.answers(to: ids) { _, token in
      if isLive { StandardStream.output.writeOrExit(live.text(adding: token)) }
    }
    let results = zip(prompts, answers).map { GenerateDocument.Result($0, $1, model.tokenizer) }
    let document = GenerateDocument(results, generator.measurement, loadSeconds: loadSeconds)
    if json {
      StandardStream.output.writeOrExit(
        try JSONDocument(document, schemaVersion: ReportDocument.schemaVersion).text())
    } else {
      let text = isLive ? live.rest : results.map { $0.generatedText + "\n" }.joined()
      StandardStream.output.writeOrExit(text)
      StandardStream.error.writeOrExit(document.summary)
    }
  }

  /// The prompts as options, or the lines of standard input that are not empty.
  private func texts() throws -> [String] {
    if !prompt.isEmpty { return prompt }
    var lines: [String] = []
    if isatty(STDIN_FILENO) == 0 {
      while let line = readLine() { if !line.isEmpty { lines.append(line) } }
    }
    guard !lines.isEmpty else {
      throw ValidationError("no prompt: expected --prompt, or lines on standard input")
    }
    return lines
  }
}

/// A prompt and its continuation as far as its bytes are whole characters.
private struct LiveText {
  private let tokenizer: Tokenizer
  private let prompt: String
  private var ids: [Int32] = []
  private var shown = 0

  init(_ prompt: String, _ tokenizer: Tokenizer) {
    (self.prompt, self.tokenizer) = (prompt, tokenizer)
  }

  private var text: String {
    prompt + tokenizer.decode(ids.filter { $0 != tokenizer.endOfTextID })
  }

  /// What the token adds to what was shown.
  mutating func text(adding token: Int32) -> String {
    ids.append(token)
    // A replacement character at the end may be the start of a character.
    guard text.last != "\u{FFFD}" else { return "" }
    defer { shown = text.utf8.count }
    return hidden
  }

  /// In bytes: what comes may join the last character.
  private var hidden: String { String(decoding: text.utf8.dropFirst(shown), as: UTF8.self) }

  /// All that was not shown yet, and the end of the line.
  var rest: String { hidden + "\n" }
}
