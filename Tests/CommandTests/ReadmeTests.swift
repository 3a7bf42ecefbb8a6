import Foundation
import Testing

@Suite struct ReadmeTests {
  @Test func `Every command of the README is one that a test runs`() throws {
    let commands = try Self.commands()
    #expect(commands.count >= 8)
    for command in commands {
      #expect(command.hasPrefix("gptj-bench ") || command.hasPrefix("./Scripts/"), "\(command)")
    }
  }

  @Test(
    arguments: try (commands() + commands(in: page)).filter { $0.hasPrefix("gptj-bench ") })
  func `A command of the README, and of the page on gating, succeeds`(command: String) async throws
  {
    // What stands last wins.
    let shortened = command.components(separatedBy: " && ").map { part in
      switch part.split(separator: " ").dropFirst().first {
      case "estimate", "plans", "topology", "tokenizer", "score", "convert", "bench", "validate",
        "kernels":
        part
      case "compare": part.contains(" --run ") ? part + " --time-limit 6" : part
      case "finetune": part + " --steps 2 --answers 1"
      case "evaluate": part + " --answers 2"
      case "generate": part + " --output-length 2"
      default: part + " --seconds 0 --real-steps 2"
      }
    }
    let pairs = PretrainedCommandTests.pairs(300)
    let folder = try Folder(["train.jsonl": pairs, "dev.jsonl": pairs, "notes.txt": pairs])
    if command.contains("old/") || command.contains("results/") || command.contains("baselines") {
      // The user's builds are both this one.
      let made = try await Binary.shell(
        """
        mkdir old new results baselines
        for side in old new; do ln -s "$(command -v gptj-bench)" $side/gptj-bench; done
        """, in: folder)
      #expect(made.exitCode == 0, "\(made.error)")
    }
    if command.contains(" gpt-j ") {
      // The user's GPT-J is one of our own here.
      let made = try await Binary.shell(
        "gptj-bench finetune --steps 1 --answers 0 --export gpt-j", in: folder)
      #expect(made.exitCode == 0, "\(made.error)")
    }
    let outcome = try await Binary.shell(shortened.joined(separator: " && "), in: folder)
    // What a comparison of times finds, in the middle of other tests, is not asked here.
    let codes: [Int32] = command.contains("gptj-bench compare ") ? [0, 2, 3] : [0]
    #expect(codes.contains(outcome.exitCode), "\(outcome.error)")
    #expect(!outcome.output.isEmpty)
  }

  @Test(arguments: try commands().filter { $0.hasPrefix("./Scripts/") })
  func `A script of the README is there and can be run`(command: String) throws {
    let script = String(command.dropFirst(2).prefix { $0 != " " })
    let path = Repository.root.appendingPathComponent(script).path
    #expect(FileManager.default.isExecutableFile(atPath: path))
  }

  @Test func `Scripts/run without arguments is the README's main command`() throws {
    let main = try #require(try Self.commands().first { $0.hasPrefix("gptj-bench --") })
    let script = try Repository.text("Scripts/run")
    #expect(script.contains("set -- \(main.dropFirst("gptj-bench ".count)); fi"))
  }

  private static let page = "Sources/gptj-bench/Documentation.docc/RegressionTiming.md"

  @Test func `The page on gating has commands`() throws {
    #expect(try Self.commands(in: Self.page).count >= 8)
  }

  /// The lines of all blocks that are fenced as `sh`, comments left out.
  private static func commands(in file: String = "README.md") throws -> [String] {
    var isInside = false
    var commands: [String] = []
    for line in try Repository.text(file).split(separator: "\n") {
      if line.hasPrefix("```") {
        isInside = line == "```sh"
      } else if isInside, !line.hasPrefix("#") {
        commands.append(String(line))
      }
    }
    return commands
  }
}
