import Foundation
import Testing

@Suite struct LoRACommandTests {
  @Test func `Adapters are trained, written, merged, read and trained on`() async throws {
    let folder = try Folder()
    func run(_ words: String, _ more: String...) async throws -> Binary.Outcome {
      let outcome = try await Binary.run(
        words.split(separator: " ").map(String.init) + more, in: folder)
      #expect(outcome.exitCode == 0, "\(outcome.error)")
      return outcome
    }
    let lora = "--lora rank=4,alpha=8,targets=q_proj,fc_out"
    _ = try await run("finetune --steps 4 --answers 0 --export base")
    _ = try await run(
      "finetune --pretrained base --steps 2 --answers 0 --tp 4 --dp 2 \(lora) --export merged "
        + "--export-adapter adapter")
    let config = try folder.reading("adapter/adapter_config.json")
    #expect(config.contains("\"r\": 4") && config.contains("\"base_model_name_or_path\": \"base\""))
    let beside = try await run(
      "generate --pretrained base --adapter adapter --output-length 4 --prompt", "the dog")
    let merged = try await run(
      "generate --pretrained merged --tp 8 --output-length 4 --prompt", "the dog")
    #expect(beside.output == merged.output)
    _ = try await run(
      "finetune --pretrained base --adapter adapter --steps 1 --answers 0 --export-adapter second")
    _ = try await run("evaluate --pretrained base --adapter second --answers 2")
    let estimate = try await run("estimate --set lora.rank=16 --json")
    let full = try await run("estimate --json")
    #expect(estimate.output != full.output)

    for (words, code, message) in [
      ("finetune --steps 1 --lora alpha=3", 64, "--lora has no rank above 0"),
      ("finetune --steps 1 --lora rank=4,targets=qproj", 64, "did you mean 'q_proj'?"),
      ("finetune --steps 1 --export-adapter new", 64, "--export-adapter needs adapters"),
      ("finetune --steps 1 \(lora) --export-adapter adapter", 65, "adapter: cannot write"),
      ("finetune --steps 1 --adapter none", 66, "none: not found"),
      ("finetune --steps 1 --adapter adapter --lora rank=5", 65, "r is 4, expected 5"),
      ("finetune --steps 1 --adapter base", 66, "adapter_config.json"),
      ("generate --pretrained base --adapter none --prompt a", 66, "none: not found"),
    ] {
      let outcome = try await Binary.run(words.split(separator: " ").map(String.init), in: folder)
      #expect(outcome.exitCode == Int32(code), "\(words): \(outcome.error)")
      #expect(outcome.error.contains(message), "\(outcome.error)")
    }
  }
}
