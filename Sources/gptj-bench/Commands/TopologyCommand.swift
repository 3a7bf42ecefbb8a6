import ArgumentParsing
import Configuration
import Reporting
import Topology

/// Pods as data, and where this host would put their ranks.
struct TopologyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "topology",
    abstract: "Lists, shows and checks pods; shows where ranks would be pinned.",
    subcommands: [List.self, Show.self, Check.self, Place.self, TopologyMeasureCommand.self],
    defaultSubcommand: List.self)

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "list", abstract: "Lists the built-in pods.")

    @OptionGroup var output: OutputOptions

    mutating func run() throws {
      let pods = try PodTopology.builtInNames.map { try PodTopology.named($0) }
      if output.json {
        let document = Document(topologies: pods.map(PodDocument.init))
        StandardStream.output.writeOrExit(
          try JSONDocument(document, schemaVersion: ReportDocument.schemaVersion).text())
        return
      }
      var table = Table([
        .init("name"), .init("IPUs", .right), .init("clock", .right), .init("float16", .right),
        .init("SRAM", .right), .init("streaming", .right), .init("links"),
        .init("$/h", .right), .init("description"),
      ])
      for pod in pods {
        table.add([
          pod.name, "\(pod.ipus)", Format.si(pod.ipu.clockHertz, "Hz"),
          Format.si(pod.peakFlopsPerSecond(for: .float16), "FLOP/s", digits: 3),
          Format.si(Double(pod.sramBytes), "B", digits: 3),
          Format.si(Double(pod.streamingBytes), "B", digits: 3), pod.links.kind.rawValue,
          Format.fixed(pod.pricePerHourUSD, 2), pod.summary,
        ])
      }
      let width = Terminal.detect(.output, noColor: output.noColor).width
      StandardStream.output.writeOrExit(table.text(width: width))
    }

    private struct Document: Encodable {
      let topologies: [PodDocument]
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "show", abstract: "Shows every figure of a pod with its unit and source.",
      examples: ["gptj-bench topology show pod16"])

    @Argument(help: "A built-in pod, or a topology file.")
    var name: String

    @OptionGroup var output: OutputOptions

    mutating func run() throws {
      if MeasuredHost.describes(name) {
        return try HostReport(host: .file(name)).print(output)
      }
      let pod = try PodTopology.named(name)
      if output.json {
        StandardStream.output.writeOrExit(
          try JSONDocument(PodDocument(pod), schemaVersion: ReportDocument.schemaVersion).text())
        return
      }
      var table = Table([
        .init("figure"), .init("value", .right), .init("unit"), .init("source"),
      ])
      for figure in pod.figures {
        table.add([figure.path, figure.text, figure.unit, figure.source])
      }
      let width = Terminal.detect(.output, noColor: output.noColor).width
      StandardStream.output.writeOrExit(
        "\(pod.name): \(pod.summary)\n" + table.text(width: width))
    }
  }

  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "check", abstract: "Reads topology files strictly and says what is wrong.",
      examples: ["gptj-bench topology check my-pod.yml"])

    @Argument(help: "A topology file, or a built-in pod.")
    var name: String

    mutating func run() throws {
      if MeasuredHost.describes(name) {
        let host = try MeasuredHost.file(name)
        StandardStream.output.writeOrExit(
          "\(name): \(host.name), \(host.cores) cores, \(host.tables.count) tables, well formed\n")
        return
      }
      let pod = try PodTopology.named(name)
      StandardStream.output.writeOrExit(
        "\(name): \(pod.name), \(pod.ipus) IPUs, \(pod.figures.count) figures, well formed\n")
    }
  }

  struct Place: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "place", abstract: "Shows the worker and processing unit of each rank.",
      examples: [
        "gptj-bench topology place --ranks 16",
        "gptj-bench topology place --ranks 64 --tp 16 --host 'pack:2 [numa] core:8'",
      ])

    @Option(help: ArgumentHelp("Emulated IPUs.", valueName: "n"))
    var ranks = 16

    @Option(
      name: .customLong("tp"),
      help: ArgumentHelp("Ranks of one tensor-parallel group.", valueName: "n"))
    var tensorParallel = 1

    @Option(
      help: ArgumentHelp("A synthetic host, as hwloc describes it.", valueName: "description"))
    var host: String?

    @OptionGroup var emulator: EmulatorOptions
    @OptionGroup var output: OutputOptions

    mutating func run() throws {
      let host = try HostTopology.host(host)
      let placement = try Placement(
        ranks: ranks, tensorParallel: tensorParallel, on: host,
        policy: try PlacementPolicy(parsing: emulator.placement), workers: emulator.workers)
      let workers = placement.workers.map(Worker.init)
      if output.json {
        StandardStream.output.writeOrExit(
          try JSONDocument(Document(workers: workers), schemaVersion: ReportDocument.schemaVersion)
            .text())
        return
      }
      var table = Table([
        .init("worker", .right), .init("ranks", .right), .init("PU", .right),
        .init("core", .right), .init("NUMA node", .right), .init("package", .right),
      ])
      for worker in workers {
        table.add([
          "\(worker.worker)",
          worker.firstRank == worker.lastRank
            ? "\(worker.firstRank)" : "\(worker.firstRank)-\(worker.lastRank)",
          "\(worker.processingUnit)", "\(worker.core)", "\(worker.numaNode)", "\(worker.package)",
        ])
      }
      StandardStream.output.writeOrExit(table.text())
    }

    private struct Document: Encodable {
      let workers: [Worker]
    }

    private struct Worker: Encodable {
      let worker, firstRank, lastRank, processingUnit, core, numaNode, package: Int

      init(_ placed: Placement.Worker) {
        worker = placed.index
        firstRank = placed.ranks.lowerBound
        lastRank = placed.ranks.upperBound - 1
        processingUnit = placed.unit.index
        core = placed.unit.coreIndex
        numaNode = placed.unit.nodeIndex
        package = placed.unit.packageIndex
      }
    }
  }
}

/// A pod as JSON: all figures with their sources.
private struct PodDocument: Encodable {
  let name, description: String
  let ipus: Int
  let figures: [Figure]

  struct Figure: Encodable {
    let path, value, unit, source: String
  }

  init(_ pod: PodTopology) {
    name = pod.name
    description = pod.summary
    ipus = pod.ipus
    figures = pod.figures.map {
      Figure(path: $0.path, value: $0.text, unit: $0.unit, source: $0.source)
    }
  }
}

extension PodTopology.Figure {
  fileprivate var text: String {
    switch value {
    case .number(let number):
      number == number.rounded() && abs(number) < 1e15
        ? Format.grouped(Int(number)) : "\(number)"
    case .word(let word): word
    }
  }
}
