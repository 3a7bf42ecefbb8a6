@testable import ArgumentParsing

enum Shape: String, CaseIterable, ExpressibleByArgument {
  case ring, tree
  case allToAll = "all-to-all"
}

struct OutputOptions: ParsableArguments {
  @Flag(help: "Print one JSON document.") var json = false
  @Flag(inversion: .prefixedNo, help: "Show progress.") var progress = true
  @Option(name: .shortAndLong, help: ArgumentHelp("Where to write.", valueName: "file"))
  var output = "-"

  func validate() throws {
    if json, output == "nowhere" { throw ValidationError("JSON needs a place to go.") }
  }
}

struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Models a training step and runs a small one.",
    examples: ["bench --topology pod16 --seq 1024", "bench topology show pod16"],
    version: "bench 1.2.3", subcommands: [Run.self, Topology.self, Reduce.self],
    defaultSubcommand: Run.self)
}

struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Models the step, then trains.")

  @Option(help: "The pod.") var topology = "pod16"
  @Option(
    name: .customLong("seq"), parsing: .commaSeparated,
    help: ArgumentHelp("Tokens in a sequence, one or more lengths.", valueName: "tokens"))
  var sequenceLengths = [1024]
  @Option(help: "How the all-reduce moves data between the shards of a replica.")
  var shape = Shape.ring
  @Option(help: "Sets one key of the configuration.") var set: [String] = []
  @Option(name: .long, help: "Stops after this time.") var maxSeconds: Double?
  @Flag(name: [.customShort("v"), .long], help: "Say more.") var verbose = false
  @Flag(name: .customShort("q"), help: "Say less.") var quiet = false
  @OptionGroup(title: "Output") var out: OutputOptions

  func validate() throws {
    if verbose, quiet { throw ValidationError("Say more or say less, not both.") }
  }
}

struct Topology: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists and shows topologies.", subcommands: [List.self, Show.self])

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Lists the built-in topologies.")
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Shows one topology.",
      discussion: "The file's figures with their sources.\n\nA path works as well as a name.")
    @Argument(help: "A name or a path.") var name: String
    @Argument(help: "Figures to show.") var figures: [String] = []
  }
}

struct Reduce: ParsableCommand {
  @Option var ranks: Int
  @Option var scale = 1.5
  @Option var seed: UInt64 = 7
  @Option var check = true
  @Option var offsets: [Int] = []
  @Option(name: .customShort("b"), help: "Smallest buffer.") var begin = ByteCount(bytes: 8 << 20)
  @Argument(help: "The operation.") var operation: Shape?
}
