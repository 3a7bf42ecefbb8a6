import Foundation
import Testing

@Suite struct PretrainedCommandTests {
  /// Pairs of one sentence each, as the hub's MNLI writes them.
  static func pairs(_ count: Int) -> Data {
    let lines = (0..<count).map {
      #"{"premise":"the dog number \#($0) sleeps ","hypothesis":"a dog sleeps","label":\#($0 % 3)}"#
    }
    return Data(lines.joined(separator: "\n").utf8)
  }

  @Test func `A model is trained, written, read, trained on, evaluated and asked`() async throws {
    let folder = try Folder(["train.jsonl": Self.pairs(300), "dev.jsonl": Self.pairs(4)])
    func run(_ words: String, _ more: String...) async throws -> Binary.Outcome {
      let outcome = try await Binary.run(
        words.split(separator: " ").map(String.init) + more, in: folder)
      #expect(outcome.exitCode == 0, "\(outcome.error)")
      return outcome
    }
    let first = try await run("finetune --steps 30 --answers 0 --json --export trained")
    let second = try await run(
      "finetune --pretrained trained --steps 1 --answers 0 --tp 2 --dp 2 --json")
    let (trained, resumed) = (try losses(first.output), try losses(second.output))
    #expect(resumed[0] < trained[0] - 1 && abs(resumed[0] - (trained.last ?? 0)) < 0.7)
    let third = try await run(
      "finetune --train train.jsonl --validation dev.jsonl --pretrained trained --steps 2 --export b"
    )
    #expect(third.error.contains("300 examples") && third.output.contains("examples  4"))
    let report = try await run("evaluate --pretrained b --validation dev.jsonl --tp 4 --json")
    struct Evaluations: Decodable {
      struct Split: Decodable { let examples: Int }
      let evaluations: [Split]
    }
    let answered = try JSONDecoder().decode(Evaluations.self, from: Data(report.output.utf8))
    #expect(answered.evaluations.map(\.examples) == [4])
    let text = try await run("generate --pretrained b --output-length 3 --prompt", "the dog")
    #expect(text.output.hasPrefix("the dog"))
    let again = try await Binary.run(
      ["finetune", "--steps", "1", "--export", "trained"], in: folder)
    #expect(again.exitCode == 65 && again.error.contains("trained: cannot"))
  }

  @Test(arguments: ["INT", "TERM"])
  func `An interrupted run saves what it has and says so`(_ signal: String) async throws {
    let folder = try Folder()
    let outcome = try await Binary.shell(
      """
      gptj-bench finetune --steps 300 --answers 0 --export kept --metrics steps.jsonl & run=$!
      until [ -s steps.jsonl ]; do sleep 0.05; done
      kill -\(signal) $run; wait $run
      """, in: folder)
    #expect(outcome.exitCode == 130 && !outcome.isSignal, "\(outcome.error)")
    #expect(outcome.error.contains("saved in kept"))
    struct Line: Decodable { let step: Int, Loss, LR, Throughput: Double }
    let lines = try folder.reading("steps.jsonl").split(separator: "\n").map {
      try JSONDecoder().decode(Line.self, from: Data($0.utf8))
    }
    #expect(lines.map(\.step) == Array(1...lines.count) && lines.count < 300)
    #expect(outcome.error.contains("after step \(lines.count);"))
    let config = try folder.reading("kept/config.json")
    #expect(config.contains("gptj"))
  }

  @Test func `A full disk takes the metrics, not the model`() async throws {
    let folder = try Folder()
    let outcome = try await Binary.run(
      "finetune --steps 3 --answers 0 --metrics /dev/full --export kept".split(separator: " ")
        .map(String.init), in: folder)
    #expect(outcome.exitCode == 0 && outcome.error.contains("no more metrics"))
    #expect(try folder.reading("kept/config.json").contains("gptj"))
  }

  private func losses(_ json: String) throws -> [Double] {
    struct Document: Decodable { let losses: [Double] }
    return try JSONDecoder().decode(Document.self, from: Data(json.utf8)).losses
  }

  @Test(arguments: [
    ("finetune --pretrained nowhere", 66, "nowhere"),
    ("evaluate --pretrained nowhere", 66, "config.json"),
    ("generate --pretrained .", 64, "--prompt"),
    ("generate --pretrained . --prompt x --tp 0", 64, "--tp is 0"),
    ("evaluate --pretrained . --answers 0", 64, "--answers is 0"),
    ("finetune --train nowhere.jsonl", 66, "nowhere.jsonl"),
    ("finetune --train few.jsonl", 65, "global batch"),
    ("finetune --tokenizer nowhere", 66, "nowhere"),
    ("finetune --export no/where", 65, "no/"),
  ])
  func `Files that are not there, or too small, are said before anything runs`(
    _ words: String, _ code: Int32, _ fragment: String
  ) async throws {
    let outcome = try await Binary.run(
      words.split(separator: " ").map(String.init), in: Folder(["few.jsonl": Self.pairs(3)]))
    #expect(!outcome.trapped)
    #expect(outcome.exitCode == code && outcome.error.contains(fragment), "\(outcome.error)")
  }
}
