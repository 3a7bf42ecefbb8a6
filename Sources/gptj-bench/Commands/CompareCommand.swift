import ArgumentParsing
import Benchmarking
import Glibc
import Regression
import Reporting

/// Says whether a benchmark result is worse than another, and what became of past ones.
struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compares benchmark results: exit code 0 same or better, 2 worse, 3 not to be told.",
    discussion: """
      Code 65 where something of BASE is missing, or machine, plan or schema differ. BASE may be a \
      result, a file of counts, or a directory of baselines, of which that of NEW's CPU is taken \
      (counts.json with --counts). With --run, BASE and NEW are two builds of gptj-bench that take \
      turns here: counts first, then times, until each is decided.
      """,
    examples: [
      "gptj-bench compare base.json new.json",
      "gptj-bench compare --run old/gptj-bench new/gptj-bench",
      "gptj-bench compare Benchmarks/baselines new.json --counts",
      "gptj-bench compare Benchmarks/baselines new.json --counts --refresh-baseline",
      "gptj-bench compare --history results",
      "gptj-bench compare new.json --export google --output google.json",
    ])

  @Argument(help: "BASE and NEW; with --export, one result.")
  var results: [String] = []

  @Flag(name: .customLong("run"), help: "BASE and NEW are executables, which take turns.")
  var runsBinaries = false

  @Option(help: ArgumentHelp("With --run: only this suite; may be repeated.", valueName: "name"))
  var suite: [String] = []

  @Option(
    help: ArgumentHelp(
      "With --run: only benchmarks with this text in their names.", valueName: "text"))
  var filter: String?

  @Option(
    help: ArgumentHelp("With --run: most seconds of the whole comparison.", valueName: "seconds"))
  var timeLimit = 36.0

  @Flag(help: "Compares counts only, which hold on every machine.")
  var counts = false

  @Flag(help: "Compares times of different machines, and says so.")
  var allowDifferentMachine = false

  @Option(
    help: ArgumentHelp(
      "Thresholds whose lines win over the built-in ones.", valueName: "file.yml"))
  var thresholds: String?

  @Option(
    help: ArgumentHelp(
      "With --run, of one binary given twice: prints thresholds learned from so many comparisons.",
      valueName: "n"))
  var learnThresholds: Int?

  @Flag(help: "Writes NEW in the place of BASE instead of comparing.")
  var refreshBaseline = false

  @Option(help: ArgumentHelp("Shows the step changes of past results.", valueName: "directory"))
  var history: String?

  @Option(help: ArgumentHelp("Prints a result as another tool reads it.", valueName: "format"))
  var export: ExportFormat?

  @Option(help: "How a comparison is printed.")
  var format = ComparisonFormat.text

  @Option(help: ArgumentHelp("Writes to a file instead.", valueName: "file"))
  var output: String?

  @Flag(help: "Shows the metrics without a change too.")
  var verbose = false

  @Flag(help: "Prints without colour.")
  var noColor = false

  func validate() throws {
    let modes = [runsBinaries, history != nil, export != nil, refreshBaseline].count { $0 }
    guard modes <= 1 else {
      throw ValidationError("only one of --run, --history, --export and --refresh-baseline")
    }
    guard runsBinaries || (suite.isEmpty && filter == nil) else {
      throw ValidationError("--suite and --filter choose what --run runs")
    }
    guard learnThresholds == nil || runsBinaries, (1...10_000).contains(learnThresholds ?? 1) else {
      throw ValidationError("--learn-thresholds goes with --run, and is from 1 to 10000")
    }
    guard timeLimit > 0, timeLimit <= 86_400 else {
      throw ValidationError("--time-limit is \(timeLimit), expected from 0 to 86400 seconds")
    }
    let expected = history != nil ? 0 : export != nil ? 1 : 2
    guard results.count == expected else {
      throw ValidationError(
        "\(counted(results.count, "result")) given, expected "
          + ["none with --history", "one with --export", "BASE and NEW"][expected])
    }
    guard history == nil || format != .markdown else {
      throw ValidationError("--history is printed as text or json")
    }
  }

  mutating func run() throws {
    if let history {
      try print(history: history)
    } else if let export {
      try write(ResultFile.read(results[0]).text(as: export))
    } else if refreshBaseline {
      try refresh()
    } else if let learnThresholds {
      try learn(from: learnThresholds)
    } else if runsBinaries {
      try answer(compareBinaries())
    } else {
      try answer(compareResults())
    }
  }

  private func binaryComparison() throws -> BinaryComparison {
    BinaryComparison(
      old: results[0], new: results[1],
      thresholds: try allThresholds(),
      settings: BinaryComparison.Settings(timeLimitSeconds: timeLimit))
  }

  private func compareBinaries() throws -> Comparison {
    let comparison = try binaryComparison()
    var progress = progressLine("rounds", total: comparison.settings.looks.last)
    defer { progress.finish() }
    return try comparison.compare(select: selected) { now in
      progress.update(step: now.rounds) {
        [(now.isConfirming ? "to be confirmed" : "undecided", "\(now.open)")]
      }
    }
  }

  private func learn(from count: Int) throws {
    var progress = progressLine("comparisons", total: count)
    defer { progress.finish() }
    let learned = try binaryComparison().learnedThresholds(comparisons: count, select: selected) {
      progress.update(step: $0) { [] }
    }
    let origin =
      "Learned from \(count) comparisons of a binary with itself on "
      + "\(MachineIdentity.ofThisHost().cpu)."
    try write(learned.text(comments: [origin]))
  }

  private func progressLine(_ label: String, total: Int?) -> ProgressLine {
    ProgressLine(label, total: total, terminal: Terminal.detect(.error, noColor: noColor))
  }

  /// The gate, or what the options name.
  private func selected(
    _ entries: [BenchmarkListing.Entry]
  ) throws -> [BenchmarkListing.Entry] {
    if suite.isEmpty && filter == nil { return entries.filter(\.isGate) }
    do throws(NothingSelected) {
      return try BenchmarkSelection(suites: suite, filter: filter)(entries)
    } catch {
      throw ValidationError(error.description)
    }
  }

  private func compareResults() throws -> Comparison {
    let new = try ResultFile.read(results[1])
    let base = try Baseline.read(baselinePath(for: new))
    var options = ComparisonOptions()
    options.countsOnly = counts
    options.allowsDifferentMachine = allowDifferentMachine
    return try Comparison.judge(
      base: base, new: new, thresholds: allThresholds(), options: options)
  }

  private func answer(_ comparison: Comparison) throws {
    switch format {
    case .text:
      let terminal = output == nil ? Terminal.detect(.output, noColor: noColor) : .none
      try write(comparison.text(verbose: verbose, terminal: terminal))
    case .markdown: try write(comparison.markdown())
    case .json:
      try write(JSONDocument(comparison, schemaVersion: BenchmarkResult.schemaVersion).text())
    }
    let status = comparison.outcome.exitStatus
    if status != 0 { throw ExitCode(status) }
  }

  private func refresh() throws {
    let new = try ResultFile.read(results[1])
    let path = baselinePath(for: new)
    try writeFile(
      counts ? CountBaseline(checked: new, file: results[1]).text() : new.text(), to: path)
    try write("\(path): \(counts ? "the counts" : "the whole") of \(results[1])\n")
  }

  private func print(history directory: String) throws {
    let history = try History.read(
      directory: directory,
      thresholds: allThresholds())
    try write(
      format == .json
        ? JSONDocument(history, schemaVersion: BenchmarkResult.schemaVersion).text()
        : history.text)
  }

  private func allThresholds() throws -> Thresholds {
    let builtIn = try Thresholds.builtIn()
    return try thresholds.map { try builtIn.adding(file: $0) } ?? builtIn
  }

  /// BASE, or in a directory the file that goes with the result.
  private func baselinePath(for new: BenchmarkResult) -> String {
    let base = results[0]
    var status = stat()
    guard stat(base, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return base }
    return "\(base)/\(counts ? "counts" : cpuFileName(new.machine.cpu)).json"
  }

  private func write(_ text: String) throws {
    if let output {
      try writeFile(text, to: output)
    } else {
      StandardStream.output.writeOrExit(text)
    }
  }
}

/// How a comparison is printed.
enum ComparisonFormat: String, CaseIterable, ExpressibleByArgument {
  case text, markdown, json
}

extension ExportFormat: ExpressibleByArgument {}
