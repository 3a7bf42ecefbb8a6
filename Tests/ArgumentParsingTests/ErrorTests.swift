import Testing

@testable import ArgumentParsing

@Suite("Wrong usage")
struct ErrorTests {
  private func failure(_ words: String) -> CommandLineError? {
    let arguments = words.split(separator: " ").map(String.init)
    return #expect(throws: CommandLineError.self) {
      try Bench.parseAsRoot(arguments, columns: 80)
    }
  }

  @Test(
    "Every mistake is named, with the nearest choice, and is exit status 64",
    arguments: [
      ("--topolgy x", .unknownOption, "Unknown option '--topolgy'. Did you mean '--topology'?"),
      ("--no-progres", .unknownOption, "'--no-progres'. Did you mean '--no-progress'?"),
      ("--topolgy=x", .unknownOption, "Unknown option '--topolgy'. Did you mean '--topology'?"),
      ("--zzzzzz", .unknownOption, "Unknown option '--zzzzzz'.\n"),
      ("-z", .unknownOption, "Unknown option '-z'.\n"),
      ("-vz", .unknownOption, "Unknown option '-vz'.\n"),
      ("-topology x", .unknownOption, "Unknown option '-topology'. Did you mean '--topology'?"),
      ("topology --list", .unknownOption, "Unknown option '--list' of 'bench topology'"),
      (
        "rum", .unknownSubcommand,
        "Unknown subcommand 'rum' of 'bench' (known: run, topology, reduce). Did you mean 'run'?"
      ),
      ("topology lst", .unknownSubcommand, "Did you mean 'list'?"),
      ("help rum", .unknownSubcommand, "Did you mean 'run'?"),
      (
        "help run fast", .unknownSubcommand,
        "Unknown subcommand 'fast' of 'bench run' (known: none)"
      ),
      ("topology", .missingSubcommand, "Missing subcommand, one of list, show."),
      ("--json run", .unexpectedArgument, "'run'. It is a subcommand: name it first"),
      ("run extra", .unexpectedArgument, "Unexpected argument 'extra'."),
      ("reduce --ranks 1 ring tree", .unexpectedArgument, "Unexpected argument 'tree'."),
      ("--json=1", .unexpectedValue, "The flag '--json' takes no value, it was given '1'."),
      ("--topology", .missingValue, "Missing value for '--topology <topology>': text."),
      ("--topology --json", .missingValue, "Missing value for '--topology <topology>'"),
      ("reduce", .missingOption, "Missing option '--ranks <ranks>'."),
      ("topology show", .missingArgument, "Missing argument '<name>'."),
      (
        "--shape rng", .invalidValue,
        "The value 'rng' is invalid for '--shape <shape>', expected one of ring, tree, "
          + "all-to-all. Did you mean 'ring'?"
      ),
      ("reduce rng --ranks 1", .invalidValue, "'<operation>', expected one of ring"),
      ("--seq 1,x", .invalidValue, "The value '1,x' is invalid for '--seq <tokens>', expected an"),
      ("--seq 1,,2", .invalidValue, "The value '1,,2' is invalid"),
      (
        "--max-seconds=", .invalidValue, "The value '' is invalid for '--max-seconds <max-seconds>'"
      ),
      ("--max-seconds nan", .invalidValue, "expected a finite number"),
      ("--max-seconds 1e999", .invalidValue, "expected a finite number"),
      ("reduce --ranks 99999999999999999999", .invalidValue, "an integer of at most 64 bits"),
      ("reduce --ranks 1 --seed -1", .invalidValue, "an integer from 0 to"),
      ("reduce --ranks 1 --check yes", .invalidValue, "expected one of true, false"),
      ("reduce --ranks 1 -b 1X", .invalidValue, "expected a number of bytes such as"),
      ("-v -q", .validation, "Error: Say more or say less, not both.\n"),
      ("--json -o nowhere", .validation, "Error: JSON needs a place to go.\n"),
    ] as [(String, CommandLineError.Cause, String)])
  func mistakes(words: String, cause: CommandLineError.Cause, message: String) {
    let error = failure(words)
    #expect(error?.cause == cause)
    #expect(error?.text.contains(message) == true, "\(error?.text ?? "")")
    #expect(error?.exitCode == .validationFailure)
    #expect(error?.isForStandardOutput == false)
    #expect(error?.text.hasPrefix("Error: ") == true && error?.text.hasSuffix("\n") == true)
  }

  @Test("An error shows the usage of the command that it is about, and where to read more")
  func shape() {
    #expect(
      failure("topology show")?.text == """
        Error: Missing argument '<name>'.
        Usage: bench topology show <name> [<figures>...]
          See 'bench topology show --help' for more information.

        """)
    #expect(
      failure("reduce")?.text.contains("Usage: bench reduce --ranks <ranks> [options]") == true)
  }

  @Test("The exit codes are the documented ones")
  func exitCodes() {
    let codes: [ExitCode] = [
      .success, .failure, .regression, .validationFailure, .dataError, .noInput, .unavailable,
      .interrupted,
    ]
    #expect(codes.map(\.rawValue) == [0, 1, 2, 64, 65, 66, 69, 130])
  }

  @Test("A long word is not compared with every name")
  func longWord() {
    let error = failure("--" + String(repeating: "x", count: 1_000_000))
    #expect(error?.cause == .unknownOption)
  }
}
