import ArgumentParsing
import HostMeasurement
import Reporting
import Topology

/// This machine as a topology.
struct TopologyMeasureCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "measure",
    abstract: "Measures this machine and writes it as a topology file.",
    discussion: """
      Rates of every kernel by shape, in CPU time of a thread; peaks, memory and disk; about a \
      minute. 'validate --host FILE' predicts the emulator's own steps from it.
      """,
    examples: ["gptj-bench topology measure -o host.yml"])

  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: ArgumentHelp("Where to write; standard output without it.", valueName: "file"))
  var file: String?

  @Flag(help: "Writes no scratch file to measure the disk with.")
  var noDisk = false

  @Flag(help: "Shows no progress on standard error.")
  var noProgress = false

  mutating func run() throws {
    if let file { try checkWritable(file) }
    var line = ProgressLine(
      "measure", total: nil, interval: 1, terminal: .detect(.error, noColor: true),
      isOff: noProgress)
    let folder = file?.lastIndex(of: "/").map { String(file?[...$0] ?? ".") } ?? "."
    let host = try HostMeasurement(
      version: GPTJBench.configuration.version, diskFolder: noDisk ? nil : folder
    ) { part, number, count in
      line.update(step: number) { [("of", "\(count)"), ("part", part)] }
    }.run()
    line.finish()
    guard let file else { return StandardStream.output.writeOrExit(host.printed()) }
    try writeFile(host.printed(), to: file)
  }
}
