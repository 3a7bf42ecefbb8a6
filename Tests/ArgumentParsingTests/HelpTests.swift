import Testing

@testable import ArgumentParsing

@Suite("Help screens")
struct HelpTests {
  private func answer(_ words: String, columns: Int = 80) -> CommandLineError? {
    let arguments = words.split(separator: " ").map(String.init)
    return #expect(throws: CommandLineError.self) {
      try Bench.parseAsRoot(arguments, columns: columns)
    }
  }

  @Test("The root's help is the golden one", arguments: ["--help", "-h", "help", "help --help"])
  func root(words: String) {
    let answer = answer(words)
    #expect(answer?.cause == .helpRequested)
    #expect(answer?.exitCode == .success)
    #expect(answer?.isForStandardOutput == true)
    #expect(
      answer?.text == """
        OVERVIEW: Models a training step and runs a small one.

        EXAMPLES:
          bench --topology pod16 --seq 1024
          bench topology show pod16

        USAGE: bench [<subcommand>] [options]

        OPTIONS:
          --topology <topology>   The pod. (default: pod16)
          --seq <tokens>          Tokens in a sequence, one or more lengths.
                                  (repeatable; default: 1024)
          --shape <shape>         How the all-reduce moves data between the shards of a
                                  replica. (values: ring, tree, all-to-all; default:
                                  ring)
          --set <set>             Sets one key of the configuration. (repeatable)
          --max-seconds <max-seconds>
                                  Stops after this time.
          -v, --verbose           Say more.
          -q                      Say less.
          --version               Show the version.
          -h, --help              Show help information.

        OUTPUT:
          --json                  Print one JSON document.
          --progress, --no-progress
                                  Show progress. (default: --progress)
          -o, --output <file>     Where to write. (default: -)

        SUBCOMMANDS:
          run (default)           Models the step, then trains.
          topology                Lists and shows topologies.
          reduce

          See 'bench help <subcommand>' for detailed help.

        """)
  }

  @Test(
    "A command's help is the golden one",
    arguments: [
      "topology show --help", "help topology show", "topology show a b -h", "topology help show",
    ])
  func show(words: String) {
    #expect(
      answer(words)?.text == """
        OVERVIEW: Shows one topology.

        The file's figures with their sources.

        A path works as well as a name.

        USAGE: bench topology show <name> [<figures>...]

        ARGUMENTS:
          <name>                  A name or a path.
          <figures>               Figures to show.

        OPTIONS:
          -h, --help              Show help information.

        """)
  }

  @Test("Help of a command with subcommands lists them")
  func topology() {
    #expect(
      answer("topology --help")?.text == """
        OVERVIEW: Lists and shows topologies.

        USAGE: bench topology <subcommand>

        OPTIONS:
          -h, --help              Show help information.

        SUBCOMMANDS:
          list                    Lists the built-in topologies.
          show                    Shows one topology.

          See 'bench help topology <subcommand>' for detailed help.

        """)
  }

  @Test("Help of a command without texts still says what it takes")
  func reduce() {
    #expect(
      answer("help reduce")?.text == """
        USAGE: bench reduce --ranks <ranks> [options] [<operation>]

        ARGUMENTS:
          <operation>             The operation. (values: ring, tree, all-to-all)

        OPTIONS:
          --ranks <ranks>
          --scale <scale>         (default: 1.5)
          --seed <seed>           (default: 7)
          --check <check>         (values: true, false; default: true)
          --offsets <offsets>     (repeatable)
          -b <begin>              Smallest buffer. (default: 8M)
          -h, --help              Show help information.

        """)
  }

  @Test("Descriptions keep to the width", arguments: [1, 48, 60, 80, 100, 200])
  func width(columns: Int) throws {
    let text = try #require(answer("--help", columns: columns)?.text)
    let lines = text.split(separator: "\n")
    for line in lines where line.hasPrefix(String(repeating: " ", count: 26)) {
      #expect(line.count <= max(columns, 48))
    }
    #expect(lines.count > (columns < 80 ? 25 : 20))
  }

  @Test(
    "The version is printed from everywhere",
    arguments: ["--version", "run --version", "topology --version"])
  func version(words: String) {
    #expect(answer(words)?.cause == .versionRequested)
    #expect(answer(words)?.text == "bench 1.2.3\n")
    #expect(answer(words)?.exitCode == .success)
  }

  @Test("Help wins over mistakes, but not behind --")
  func helpWins() throws {
    #expect(answer("run --nonsense --help")?.cause == .helpRequested)
    #expect(answer("run -- --help")?.cause == .unexpectedArgument)
  }
}
