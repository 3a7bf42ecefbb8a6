import ArgumentParsing
import Benchmarking
import Reporting

/// Each kernel of the emulator: is it right, and how close is it to what this machine can do.
struct KernelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels",
    abstract: "Checks each kernel, and measures its share of what this machine can do.",
    discussion: """
      Results are compared with the portable path, or with double where a library computes; \
      gradients with finite differences in double. Speeds are one thread's, against multiply-adds in \
      registers or a plain pass over memory, measured before. Exits with 2 when a kernel is wrong.
      """,
    examples: ["gptj-bench kernels", "gptj-bench kernels --filter attention --json"])

  @Option(help: ArgumentHelp("Only kernels with this text in their names.", valueName: "text"))
  var filter: String?

  @Flag(help: "Checks only, and times nothing.")
  var check = false

  @OptionGroup var output: OutputOptions

  mutating func run() throws {
    let rows = try selected()
    let peaks = check ? nil : KernelPeaks()
    var progress = ProgressLine(
      "kernels", total: rows.count,
      terminal: Terminal.detect(.error, noColor: output.noColor), isOff: output.noProgress)
    var results: [KernelResult] = []
    for (index, row) in rows.enumerated() {
      results.append(KernelResult(row, row.check(), peaks.map { row.speed($0) }))
      progress.update(step: index + 1) { [("last", row.name)] }
    }
    progress.finish()
    let report = KernelReport(results, peaks)
    let width = Terminal.detect(.output, noColor: output.noColor).width
    StandardStream.output.writeOrExit(
      output.json
        ? try JSONDocument(report, schemaVersion: ReportDocument.schemaVersion).text()
        : report.text(width: width))
    if !report.areRight { throw ExitCode.regression }
  }

  private func selected() throws -> [KernelRow] {
    do throws(NothingSelected) {
      return try KernelRow.all(named: filter ?? "")
    } catch {
      throw ValidationError(error.description)
    }
  }
}
