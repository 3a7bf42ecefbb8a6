import Foundation
import Testing

@Suite("The README's commands are run")
struct ReadmeTests {
  /// The lines of every `sh` block of a Markdown file that are commands.
  static func commands(in name: String) throws -> [String] {
    let url = packageRoot.appendingPathComponent(name)
    var isInside = false
    var commands: [String] = []
    for line in try String(contentsOf: url, encoding: .utf8).split(separator: "\n") {
      if line.hasPrefix("```") {
        isInside = line.hasPrefix("```sh")
      } else if isInside, !line.hasPrefix("#") {
        commands.append(String(line))
      }
    }
    return commands
  }

  @Test("Each of them succeeds; runs are cut short")
  func run() throws {
    let commands = try Self.commands(in: "README.md")
    #expect(commands.count >= 5)
    let folder = try TemporaryFolder()
    for command in commands {
      let words = command.split(separator: " ").map(String.init)
      if words[0].hasPrefix("./Scripts/") {
        let path = packageRoot.appendingPathComponent(words[0]).path
        #expect(FileManager.default.isExecutableFile(atPath: path), "\(path)")
      } else if words[0] == "gptj-bench" {
        let result = try Command(
          Array(words.dropFirst()) + Self.shortening(words), in: folder.url)
        #expect(result.exitCode == 0, "\(command): \(result.errors)")
        #expect(!result.output.isEmpty, "\(command)")
      } else {
        Issue.record("the README has a command that no test can run: \(command)")
      }
    }
  }

  /// What makes a training command short enough for a test.
  private static func shortening(_ words: [String]) -> [String] {
    switch words.dropFirst().first {
    case "finetune": ["--steps", "3", "--answers", "2"]
    case "estimate", "plans", "topology": []
    default: ["--seconds", "0", "--real-steps", "2"]
    }
  }
}

@Suite("Help")
struct HelpTests {
  @Test(
    "Every subcommand explains itself on standard output",
    arguments: [
      [], ["run"], ["estimate"], ["finetune"], ["plans"], ["topology"], ["topology", "list"],
      ["topology", "show"], ["topology", "check"], ["topology", "place"],
    ])
  func help(path: [String]) throws {
    let command = try Command(path + ["--help"])
    #expect(command.exitCode == 0)
    #expect(command.errors.isEmpty)
    for part in ["OVERVIEW:", "USAGE:", "OPTIONS:"] { #expect(command.output.contains(part)) }
    #expect(command.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
  }

  @Test("The version stands alone")
  func version() throws {
    #expect(try Command(["--version"]).output == "0.1.0\n")
  }
}
