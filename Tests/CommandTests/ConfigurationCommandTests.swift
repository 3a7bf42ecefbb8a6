import Foundation
import Testing

@Suite struct ConfigurationCommandTests {
  @Test(arguments: ["run", "estimate", "finetune"])
  func `A printed configuration reads back to itself`(command: String) async throws {
    let first = try await Binary.run(
      [command, "--print-config", "--set", "model.layers=3", "--set", "training.steps=77"])
    #expect(first.exitCode == 0)
    #expect(first.output.contains("layers: 3") && first.output.contains("steps: 77"))
    let folder = try Folder(["printed.yml": Data(first.output.utf8)])
    let second = try await Binary.run(
      [command, "--print-config", "--config", "printed.yml"], in: folder)
    #expect(second.output == first.output)
  }

  @Test(arguments: [
    ([], [:], "layers: 2"),
    ([], ["GPTJ_BENCH_MODEL_LAYERS": "3"], "layers: 3"),
    (["--set", "model.layers=4"], ["GPTJ_BENCH_MODEL_LAYERS": "3"], "layers: 4"),
    (["--config", "my.yml"], [:], "steps: 9"),
    (["--config", "my.yml"], ["GPTJ_BENCH_TRAINING_STEPS": "10"], "steps: 10"),
    (["--steps", "11"], ["GPTJ_BENCH_TRAINING_STEPS": "10"], "steps: 11"),
    (["--set", "training.steps=12"], ["GPTJ_BENCH_TRAINING_STEPS": "10"], "steps: 12"),
  ])
  func `A flag wins over the environment, and that over the file`(
    flags: [String], environment: [String: String], expected: String
  ) async throws {
    let folder = try Folder(["my.yml": Data("model: { layers: 2 }\ntraining: { steps: 9 }".utf8)])
    let outcome = try await Binary.run(
      ["estimate", "--print-config", "--config", "my.yml"] + flags, environment: environment,
      in: folder)
    #expect(outcome.output.contains(expected + "\n"), "\(outcome.error)")
  }

  @Test(arguments: [
    ([], [:], "400 steps"), (["--steps", "7"], [:], "7 steps"),
    (["--set", "training.steps=7"], [:], "7 steps"),
    ([], ["GPTJ_BENCH_TRAINING_STEPS": "7"], "7 steps"),
    (["--config", "gptj_6B_1024_pod16"], [:], "500 steps"),
    ([], ["GPTJ_BENCH_EXECUTION_TENSOR_PARALLEL": "4"], "TP 4 x DP 4"),
    (["--set", "execution.data_parallel=2"], [:], "TP 8 x DP 2"),
  ])
  func `A default gives way to whatever names the setting`(
    flags: [String], environment: [String: String], expected: String
  ) async throws {
    let outcome = try await Binary.run(["estimate"] + flags, environment: environment)
    #expect(outcome.output.contains(" " + expected), "\(outcome.error)")
  }
}
