import ArgumentParsing
import Benchmarking
import FoundationEssentials
import Regression
import Reporting

/// How fast this build is, and how much it does.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measures this build: times, and counts that depend on no time.",
    discussion: """
      Each benchmark runs in a process of its own. A time is measured again and again, next to a \
      calibration, until the 95 % interval of its median is within 1 % or the time limit is over. \
      Exits with 1 when a benchmark fails.
      """,
    examples: [
      "gptj-bench bench --counts", "gptj-bench bench --suite kernels --filter gelu -o new.json",
    ])

  @Option(help: ArgumentHelp("Only this suite; may be repeated.", valueName: "name"))
  var suite: [String] = []

  @Option(help: ArgumentHelp("Only benchmarks with this text in their names.", valueName: "text"))
  var filter: String?

  @Flag(help: "Counts only, and times nothing.")
  var counts = false

  @Option(help: ArgumentHelp("Most seconds to measure one benchmark.", valueName: "seconds"))
  var timeLimit = 5.0

  @Flag(help: "Lists the benchmarks and runs nothing.")
  var list = false

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Writes the result as JSON.", valueName: "file"))
  var output: String?

  @Flag(help: "Answers requests on standard input, for a process that drives this one.")
  var serve = false

  @OptionGroup var answer: OutputOptions

  func validate() throws {
    guard timeLimit > 0, timeLimit <= 86_400 else {
      throw ValidationError("--time-limit is \(timeLimit), expected from 0 to 86400 seconds")
    }
  }

  mutating func run() throws {
    if serve { return try BenchmarkServer(version: Self.version).serve() }
    let runner = BenchmarkRunner(countsOnly: counts, timeLimit: timeLimit)
    let listing = try runner.list()
    let entries = try selected(listing.benchmarks)
    if list { return StandardStream.output.writeOrExit(listText(entries)) }
    if let output { try checkWritable(output) }
    let result = measure(entries, runner, listing)
    let document = try JSONDocument(result, schemaVersion: BenchmarkResult.schemaVersion).text()
    if let output { try writeFile(document, to: output) }
    StandardStream.output.writeOrExit(
      answer.json ? document : BenchTable(result).text(width: width))
    if !result.failures.isEmpty { throw ExitCode.failure }
  }

  private static var version: String { GPTJBench.configuration.version }

  private var width: Int? { Terminal.detect(.output, noColor: answer.noColor).width }

  private func selected(
    _ entries: [BenchmarkListing.Entry]
  ) throws -> [BenchmarkListing.Entry] {
    do throws(NothingSelected) {
      return try BenchmarkSelection(suites: suite, filter: filter)(entries)
    } catch {
      throw ValidationError(error.description)
    }
  }

  /// Runs them all, one after the other.
  private func measure(
    _ entries: [BenchmarkListing.Entry], _ runner: BenchmarkRunner, _ listing: BenchmarkListing
  ) -> BenchmarkResult {
    var result = BenchmarkResult(
      tool: listing.tool, machine: listing.machine,
      startedAt: Date().formatted(.iso8601), benchmarks: [])
    var progress = ProgressLine(
      "benchmarks", total: entries.count,
      terminal: Terminal.detect(.error, noColor: answer.noColor), isOff: answer.noProgress)
    for (index, entry) in entries.enumerated() {
      switch runner.run(entry) {
      case .measured(let measured): result.benchmarks.append(measured)
      case .failed(let failure): result.failures.append(failure)
      }
      progress.update(step: index + 1) { [("last", entry.name)] }
    }
    progress.finish()
    return result
  }

  private func listText(_ entries: [BenchmarkListing.Entry]) -> String {
    var table = Table([.init("benchmark"), .init("calibrated by"), .init("what runs")])
    for entry in entries { table.add([entry.name, entry.calibrator.rawValue, entry.plan]) }
    return table.text(width: width)
  }
}
