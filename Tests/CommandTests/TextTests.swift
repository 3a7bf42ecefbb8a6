import Testing

@Suite struct TextTests {
  @Test func `The report fits one screen, and 80 columns when asked to`() async throws {
    let short = ["--seconds", "0", "--real-steps", "2"]
    let wide = try await Binary.run(short, environment: ["COLUMNS": "110"])
    let lines = wide.output.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count <= 50)
    #expect(lines.allSatisfy { $0.count <= 110 })
    for heading in ["Modelled", "One step", "The job", "Measured on this host"] {
      #expect(lines.contains { $0.hasPrefix(heading) })
    }
    let narrow = try await Binary.run(["estimate"], environment: ["COLUMNS": "80"])
    #expect(narrow.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
  }

  @Test func `The modelled part is the recorded one`() async throws {
    try expectGolden(try await Binary.run(["estimate"]).output, "estimate.txt")
  }

  @Test(arguments: [[], ["--no-color"]])
  func `A pipe gets no escape sequences`(flags: [String]) async throws {
    let outcome = try await Binary.run(
      ["--seconds", "0", "--real-steps", "2"] + flags, environment: ["TERM": "xterm"])
    #expect(!outcome.output.contains("\u{1B}") && !outcome.error.contains("\u{1B}"))
  }

  @Test(arguments: [
    "gptj-bench estimate >&-", "gptj-bench estimate --json >&-", "gptj-bench --help >&-",
    "gptj-bench topology show pod16 >&-", "gptj-bench estimate --tp 3 2>&-",
    "gptj-bench --seconds 0 --real-steps 2 2>&- >/dev/null",
    "gptj-bench estimate > /dev/full",
  ])
  func `A closed stream ends the command without a trap`(line: String) async throws {
    // Bash reports a signal as 128 and more.
    let outcome = try await Binary.shell(line)
    #expect(outcome.exitCode < 128 && !outcome.trapped, "\(outcome.error)")
  }

  @Test(arguments: ["estimate", "topology show pod16", "estimate --json", "--help"])
  func `A reader that has gone ends the command silently`(command: String) async throws {
    let outcome = try await Binary.shell(
      "{ gptj-bench \(command); echo \"exit $?\" >&2; } | true")
    #expect(["exit 0\n", "exit 1\n"].contains(outcome.error))
    let first = try await Binary.shell("gptj-bench \(command) | head -n 1")
    #expect(first.exitCode == 0 && first.error.isEmpty)
    #expect(first.output.split(separator: "\n").count == 1)
  }
}
