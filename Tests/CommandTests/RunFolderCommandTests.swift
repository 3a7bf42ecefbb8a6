import Foundation
import Testing

@Suite struct RunFolderCommandTests {
  /// A model of a few kilobytes, so that a step takes no time.
  static let small =
    "--answers 0 --no-progress --set model.hidden_size=64 --set model.attention.rotary_dim=4 "
    + "--set model.sequence_length=32 --set training.global_batch_size=8"

  private func finetune(_ words: String, in folder: Folder) async throws -> Binary.Outcome {
    let line = "finetune \(words) \(Self.small)"
    return try await Binary.run(line.split(separator: " ").map(String.init), in: folder)
  }

  @Test func `A run leaves its configuration, metrics, events and the newest checkpoints`()
    async throws
  {
    let folder = try Folder()
    let run = try await finetune(
      "--steps 7 --output run --checkpoint-every 2 --set checkpoint.to_keep=2", in: folder)
    #expect(run.exitCode == 0, "\(run.error)")
    #expect(run.error.contains("needs ") && run.error.contains("of disk"))
    let names = try FileManager.default.contentsOfDirectory(
      atPath: folder.url.appendingPathComponent("run").path
    ).sorted()
    #expect(
      names.filter { !$0.hasPrefix("events.out.tfevents.") } == [
        "checkpoint-6", "checkpoint-7", "config.yml", "metrics.jsonl",
      ])
    #expect(names.count == 5)
    // The configuration that it leaves is one that it takes.
    let again = try await finetune("--config run/config.yml --print-config", in: folder)
    #expect(try again.output == folder.reading("run/config.yml"))
    let refused = try await finetune("--steps 9 --output run", in: folder)
    #expect(refused.exitCode == 64 && refused.error.contains("checkpoint-7"))
    #expect(refused.error.contains("--resume"))
    let resumed = try await finetune("--steps 9 --output run --resume", in: folder)
    #expect(resumed.exitCode == 0 && resumed.error.contains("goes on after step 7"))
    struct Line: Decodable { let step: Int }
    let steps = try folder.reading("run/metrics.jsonl").split(separator: "\n").map {
      try JSONDecoder().decode(Line.self, from: Data($0.utf8)).step
    }
    #expect(steps == Array(1...9))
    let started = try await finetune("--steps 3 --pretrained run/checkpoint-9", in: folder)
    #expect(started.exitCode == 0, "\(started.error)")
  }

  @Test func `A full disk ends the run with 69 and leaves the checkpoint that was there`()
    async throws
  {
    let folder = try Folder()
    let first = try await finetune("--steps 2 --output run", in: folder)
    #expect(first.exitCode == 0, "\(first.error)")
    // The limit on a file's size stands for the full disk: 1 MiB, less than the weights take.
    let outcome = try await Binary.shell(
      """
      trap '' XFSZ; ulimit -f 1024
      gptj-bench finetune --steps 5 --output run --resume \(Self.small)
      """, in: folder)
    #expect(outcome.exitCode == 69 && !outcome.trapped, "\(outcome.error)")
    #expect(outcome.error.contains(".safetensors") && outcome.error.contains("cannot write"))
    let names = try FileManager.default.contentsOfDirectory(
      atPath: folder.url.appendingPathComponent("run").path)
    #expect(names.filter { $0.hasPrefix("checkpoint-") } == ["checkpoint-2"])
    let resumed = try await finetune("--steps 5 --output run --resume", in: folder)
    #expect(resumed.exitCode == 0 && resumed.error.contains("goes on after step 2"))
  }

  @Test func `A run that is killed again and again ends with the bits of an undisturbed one`()
    async throws
  {
    let script = Repository.root.appendingPathComponent("Scripts/check-resume").path
    let outcome = try await Binary.shell("\(script) 4")
    #expect(outcome.exitCode == 0 && outcome.output.contains("same bits"), "\(outcome.output)")
  }

  @Test func `Resuming without a folder, and from what is no checkpoint, is refused`() async throws
  {
    let folder = try Folder()
    let flag = try await finetune("--steps 2 --resume", in: folder)
    #expect(flag.exitCode == 64 && flag.error.contains("--output"))
    let load = try await finetune("--steps 2 --set checkpoint.load=nowhere", in: folder)
    #expect(load.exitCode == 66 && load.error.contains("nowhere: not found"))
  }
}
