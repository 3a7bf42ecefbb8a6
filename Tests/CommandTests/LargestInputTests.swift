import Foundation
import Testing

/// The largest legal sizes, together: an answer or an error, never a trap.
@Suite struct LargestInputTests {
  private static let smallest =
    "--set execution.attention_serialisation=1 --set model.layers=1 --set model.hidden_size=2 "
    + "--set model.attention.heads=1 --set model.attention.rotary_dim=2 --tp 1 --dp 1 "

  @Test(arguments: [
    // What trapped: the passes over float32 scores, and the evaluation's own pass.
    smallest + "--set model.hidden_size=32768 --set model.attention.heads=16384 --seq 1048576 "
      + "--set model.precision=float32 --gbs 6 --micro-batch 6 --set model.embedding.vocab_size=2",
    smallest + "--set model.layers=10000 --set model.hidden_size=1048576 --seq 1 --gbs 1",
    smallest + "--set model.hidden_size=131072 --set model.attention.heads=65536 --seq 1048576 "
      + "--gbs 1 --set model.precision=float32",
    smallest + "--set model.hidden_size=131072 --set model.attention.heads=65536 --seq 131072 "
      + "--gbs 8 --micro-batch 8 --set execution.recompute=none",
    smallest + "--set model.layers=10000 --seq 1048576 --gbs 1",
    smallest + "--set model.layers=10000 --set model.hidden_size=65536 --seq 1 --gbs 64",
    smallest + "--set model.embedding.vocab_size=16777216 --seq 1048576 --gbs 16 --micro-batch 16",
    smallest + "--seq 1 --gbs 16777216 --micro-batch 1048576",
    smallest + "--seq 8192 --gbs 16777216 --micro-batch 1",
    smallest + "--set model.hidden_size=1048576 --set model.embedding.vocab_size=16777216 --seq 1 "
      + "--gbs 16",
    smallest + "--seq 1048576 --gbs 1048576 --steps 1000000000",
    smallest + "--seq 1048576 --gbs 1 --steps 1000000000 --set execution.io_tiles=1048576",
    "--steps 1000000000",
    "--dp 16 --tp 1 --micro-batch 720720 --gbs 11531520 --seq 2",
    "--gbs 16777216 --micro-batch 1048576 --seq 2",
  ])
  func `The largest legal sizes are answered or refused`(_ words: String) async throws {
    let arguments = words.split(separator: " ").map(String.init)
    for command in ["estimate", "plans"] {
      // `plans` has no job.
      guard command == "estimate" || !arguments.contains("--steps") else { continue }
      for format in [[], ["--json"]] {
        let outcome = try await Binary.run([command] + arguments + format)
        #expect(!outcome.trapped, "\(command): \(outcome.error)")
        #expect([0, 64].contains(outcome.exitCode), "\(command): \(outcome.error)")
        #expect(outcome.output.isEmpty == (outcome.exitCode != 0))
        #expect(!outcome.output.contains("nan") && !outcome.output.contains("inf "))
      }
    }
  }

  @Test func `A pod of 65,536 IPUs has its plans compared`() async throws {
    let text = try Repository.text("topologies/pod16.yml")
      .replacing("\n  machines: { value: 4,", with: "\n  machines: { value: 16384,")
      .replacing("\n  ipus: { value: 16,", with: "\n  ipus: { value: 65536,")
    let folder = try Folder(["big.yml": .init(text.utf8)])
    let check = try await Binary.run(["topology", "check", "big.yml"], in: folder)
    #expect(check.output.contains("65536 IPUs"))
    let plans = try await Binary.run(
      ["plans", "--topology", "big.yml", "--gbs", "65536", "--top", "1"], in: folder)
    #expect(plans.exitCode == 0, "\(plans.error)")
  }
}
