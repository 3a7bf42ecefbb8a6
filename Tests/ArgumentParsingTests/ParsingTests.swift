import Testing

@testable import ArgumentParsing

@Suite("Parsing a command line")
struct ParsingTests {
  private func parse<Command: ParsableCommand>(
    _ words: String, as _: Command.Type = Command.self
  ) throws -> Command {
    let arguments = words.split(separator: " ").map(String.init)
    return try #require(try Bench.parseAsRoot(arguments, columns: 80) as? Command)
  }

  @Test("Without a subcommand the default one takes the options")
  func defaultSubcommand() throws {
    let run: Run = try parse("--topology pod64 --seq 512,1024 --shape=all-to-all")
    #expect(run.topology == "pod64")
    #expect(run.sequenceLengths == [512, 1024])
    #expect(run.shape == .allToAll)
  }

  @Test("Defaults stay where nothing is given")
  func defaults() throws {
    let run: Run = try parse("run")
    #expect(run.topology == "pod16")
    #expect(run.sequenceLengths == [1024])
    #expect(run.shape == .ring)
    #expect(run.set == [])
    #expect(run.maxSeconds == nil)
    #expect(!run.verbose && !run.quiet && !run.out.json && run.out.progress)
    #expect(run.out.output == "-")
  }

  @Test("A repeated option fills an array; commas belong to the value unless asked for")
  func repeated() throws {
    let run: Run = try parse("--set a.b=[1,2] --set=c=d --seq 1 --seq 2,3")
    #expect(run.set == ["a.b=[1,2]", "c=d"])
    #expect(run.sequenceLengths == [1, 2, 3])
  }

  @Test("Of a repeated option for one value the last wins")
  func lastWins() throws {
    #expect(try parse("--topology a --topology b", as: Run.self).topology == "b")
    #expect(try !parse("--progress --no-progress", as: Run.self).out.progress)
    #expect(try parse("--no-progress --progress", as: Run.self).out.progress)
  }

  @Test("Short names, joined flags and values of groups", arguments: ["-vq", "-v -q", "-q -v"])
  func short(flags: String) throws {
    let error = #expect(throws: CommandLineError.self) { try parse(flags, as: Run.self) }
    #expect(error?.cause == .validation)
    let run: Run = try parse("-v -o out.json --json")
    #expect(run.verbose && run.out.json)
    #expect(run.out.output == "out.json")
    #expect(try parse("-o=x --output -", as: Run.self).out.output == "-")
  }

  @Test("Negative numbers are values, of options and as arguments")
  func negativeNumbers() throws {
    let reduce: Reduce = try parse("reduce --ranks -4 --scale -1e-3 --offsets -1 --offsets=-2")
    #expect(reduce.ranks == -4)
    #expect(reduce.scale == -1e-3)
    #expect(reduce.offsets == [-1, -2])
    #expect(try parse("--seq -1,-2", as: Run.self).sequenceLengths == [-1, -2])
    #expect(try parse("topology show -5", as: Topology.Show.self).name == "-5")
  }

  @Test("After -- every word is an argument")
  func terminator() throws {
    let show: Topology.Show = try parse("topology show -- --help -x --")
    #expect(show.name == "--help")
    #expect(show.figures == ["-x", "--"])
  }

  @Test("Arguments go by position, the last array takes the rest")
  func arguments() throws {
    let show: Topology.Show = try parse("topology show pod16 clock sram")
    #expect(show.name == "pod16")
    #expect(show.figures == ["clock", "sram"])
    #expect(try parse("reduce --ranks 2", as: Reduce.self).operation == nil)
    #expect(try parse("reduce tree --ranks 2", as: Reduce.self).operation == .tree)
  }

  @Test("Two parsed commands share nothing, and a copy is a copy")
  func valueSemantics() throws {
    let first: Run = try parse("--topology a")
    var copy = first
    copy.topology = "b"
    copy.out.json = true
    let second: Run = try parse("run")
    #expect(first.topology == "a" && !first.out.json)
    #expect(copy.topology == "b" && copy.out.json)
    #expect(second.topology == "pod16")
  }

  @Test(
    "A byte count has nccl-tests' units and the usual ones",
    arguments: [
      ("8", 8), ("8B", 8), ("8K", 8192), ("1k", 1024), ("128M", 134_217_728), ("1GiB", 1 << 30),
      ("1GB", 1_000_000_000), ("2kB", 2000), ("1T", 1 << 40), ("", nil), ("K", nil), ("-1", nil),
      ("1.5G", nil), ("1X", nil), ("1KK", nil), ("9223372036854775807K", nil),
      ("99999999999999999999", nil),
    ] as [(String, Int?)])
  func byteCount(text: String, bytes: Int?) {
    #expect(ByteCount(argument: text)?.bytes == bytes)
    if let bytes {
      let printed = ByteCount(bytes: bytes).defaultValueDescription
      #expect(ByteCount(argument: printed)?.bytes == bytes)
    }
  }

  @Test(
    "Property names become kebab case",
    arguments: [
      ("layers", "layers"), ("globalBatchSize", "global-batch-size"), ("useJSON", "use-json"),
      ("URLPath", "url-path"), ("beta1", "beta1"), ("X", "x"), ("", ""),
    ])
  func kebab(name: String, expected: String) {
    #expect(kebabCase(name) == expected)
  }
}
