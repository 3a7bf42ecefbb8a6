import Foundation
import Testing

@Suite struct HelpTests {
  @Test(arguments: [
    "", "run", "estimate", "finetune", "evaluate", "generate", "score", "convert", "plans",
    "tokenizer", "tokenizer encode", "tokenizer decode", "tokenizer train", "topology",
    "topology list", "topology show", "topology check", "topology place", "topology measure",
    "validate", "bench", "kernels",
    "compare",
  ])
  func `A help screen is the recorded one`(command: String) async throws {
    let words = command.split(separator: " ").map(String.init)
    let outcome = try await Binary.run(words + ["--help"], environment: ["COLUMNS": "80"])
    #expect(outcome.exitCode == 0 && outcome.error.isEmpty)
    let name = (["gptj-bench"] + words).joined(separator: "-")
    try expectGolden(outcome.output, "help/\(name).txt")
    let other = try await Binary.run(["help"] + words, environment: ["COLUMNS": "80"])
    #expect(other.output == outcome.output)
    #expect(outcome.output.split(separator: "\n").allSatisfy { $0.count <= 80 || isExample($0) })
  }

  @Test func `The version is one line`() async throws {
    let outcome = try await Binary.run(["--version"])
    #expect(outcome.exitCode == 0)
    #expect(outcome.output.wholeMatch(of: /\d+\.\d+\.\d+\n/) != nil)
  }

  /// Whole command lines are not wrapped.
  private func isExample(_ line: Substring) -> Bool {
    line.hasPrefix("  gptj-bench ") || line.hasPrefix("USAGE: ")
  }
}

/// Compares a text with a file under `Golden/`; with `RECORD_GOLDEN=1` writes the file, and fails.
func expectGolden(
  _ text: String, _ name: String, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let path = "Tests/CommandTests/Golden/\(name)"
  if ProcessInfo.processInfo.environment["RECORD_GOLDEN"] == "1" {
    let file = Repository.root.appendingPathComponent(path)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try text.write(to: file, atomically: true, encoding: .utf8)
    Issue.record("recorded \(path)", sourceLocation: sourceLocation)
    return
  }
  #expect(try text == Repository.text(path), sourceLocation: sourceLocation)
}
