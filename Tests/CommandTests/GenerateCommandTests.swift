import Foundation
import Testing

@Suite struct GenerateCommandTests {
  private struct Document: Decodable {
    struct Result: Decodable {
      let prompt, generated_text: String
      let generated_ids: [Int]
    }
    let results: [Result]
    let load_seconds, prefill_seconds, decode_seconds, tokens_per_second: Double
    let prompt_tokens, generated_tokens: Int
  }

  @Test func `Prompts come as options or lines, answers greedy or drawn`() async throws {
    let folder = try Folder()
    func shell(_ line: String) async throws -> Binary.Outcome {
      let outcome = try await Binary.shell(line, in: folder)
      #expect(outcome.exitCode == 0, "\(outcome.error)")
      return outcome
    }
    func results(_ line: String) async throws -> Document {
      try await JSONDecoder().decode(Document.self, from: Data(shell(line).output.utf8))
    }
    _ = try await shell("gptj-bench finetune --steps 3 --answers 0 --json --export m > /dev/null")
    let generate = "gptj-bench generate --pretrained m --output-length 4"
    let lines = try await results("printf 'the dog\n\na cat' | \(generate) --json")
    #expect(lines.results.map(\.prompt) == ["the dog", "a cat"])
    #expect(lines.generated_tokens == lines.results.reduce(0) { $0 + $1.generated_ids.count })
    #expect(lines.prompt_tokens > 2 && lines.tokens_per_second > 0)
    #expect(lines.load_seconds > 0 && lines.prefill_seconds + lines.decode_seconds > 0)
    let options = "--prompt 'the dog' --prompt 'a cat'"
    let text = try await shell("\(generate) --tp 4 --batch 1 \(options)")
    #expect(text.output == lines.results.map { $0.generated_text + "\n" }.joined())
    #expect(text.error.contains("tokens/s") && text.output.hasPrefix("the dog"))
    let short = try await results("\(generate) --sequence-length 12 --json --prompt 'the dog'")
    #expect(short.results[0].generated_ids == lines.results[0].generated_ids)
    let drawn = "--temperature 2 --top-k 50 --top-p 0.9 --json \(options)"
    let one = try await results("\(generate) --seed 1 \(drawn)")
    let again = try await results("\(generate) --seed 1 --batch 1 \(drawn)")
    let other = try await results("\(generate) --seed 2 \(drawn)")
    #expect(one.results.map(\.generated_ids) == again.results.map(\.generated_ids))
    #expect(one.results.map(\.generated_ids) != other.results.map(\.generated_ids))
    let long = try await Binary.shell("\(generate) --sequence-length 99999 \(options)", in: folder)
    #expect(long.exitCode == 65 && long.error.contains("n_positions"))
    let full = try await Binary.shell("\(generate) --sequence-length 1 \(options)", in: folder)
    #expect(full.exitCode == 65 && full.error.contains("prompt 1 has"))
  }

  @Test(arguments: [
    ("", "--prompt"), ("--top-k 0", "--top-k is 0"), ("--top-p 1.5", "--top-p is 1.5"),
    ("--top-p nan", "--top-p"), ("--temperature 0", "--temperature is 0"),
    ("--temperature inf", "--temperature"), ("--seed -1", "--seed"),
    ("--batch 0", "--batch is 0"), ("--sequence-length 0", "--sequence-length is 0"),
    ("--output-length 99999999999", "--output-length"),
  ])
  func `What cannot be asked for is said before a model is read`(
    _ words: String, _ fragment: String
  ) async throws {
    let outcome = try await Binary.run(
      ["generate", "--pretrained", "nowhere"] + words.split(separator: " ").map(String.init))
    #expect(!outcome.trapped)
    #expect(outcome.exitCode == 64 && outcome.error.contains(fragment), "\(outcome.error)")
  }
}
