import Foundation
import Testing

@Suite struct HostTopologyCommandTests {
  private static let text = """
    kind: host
    name: a machine
    measured: '2026-01-01T00:00:00Z'
    version: 0.1.0, avx512
    cores: 2
    numa_nodes: 1
    memory_bytes: 1000000
    peak_flops_per_second: 1e11
    peak_flops_per_second_of_all_cores: 2e11
    memory_bytes_per_second: 1e10
    memory_bytes_per_second_of_all_cores: 1.5e10
    barrier_seconds: 1e-5
    instruction_seconds: 1e-8
    tables:
    - kind: gelu
      element_type: float32
      elements: [256]
      working_set_bytes: [1024, 4096]
      rates: [2e9, 1e9]

    """

  private static func file(_ text: String) throws -> String {
    let folder = FileManager.default.temporaryDirectory
    let file = folder.appendingPathComponent("host-\(UUID().uuidString).yml")
    try text.write(to: file, atomically: true, encoding: .utf8)
    return file.path
  }

  @Test func `A host's file is shown and checked as a pod's is`() async throws {
    let file = try Self.file(Self.text)
    defer { unlink(file) }
    let shown = try await Binary.run(["topology", "show", file])
    #expect(shown.exitCode == 0)
    #expect(shown.output.contains("100 GFLOP/s") && shown.output.contains("gelu"))
    let json = try await Binary.run(["topology", "show", file, "--json"]).output
    #expect(json.contains("\"peak_flops_per_second\""))
    let check = try await Binary.run(["topology", "check", file])
    #expect(check.exitCode == 0 && check.output.contains("2 cores, 1 tables, well formed"))
  }

  @Test func `A run with stages is not predicted, and says so before it starts`() async throws {
    let file = try Self.file(Self.text)
    defer { unlink(file) }
    let outcome = try await Binary.run([
      "run", "--topology", "pod64", "--pp", "2", "--host", file, "--seconds", "0",
    ])
    #expect(outcome.exitCode == 64)
    #expect(outcome.error.contains("--host predicts steps without stages"), "\(outcome.error)")
  }

  @Test(arguments: [
    (["topology", "check"], []), (["topology", "show"], []), (["validate", "--host"], []),
    (["run", "--host"], ["--seconds", "0"]),
  ])
  func `A wrong file is refused with its line and key`(
    before: [String], after: [String]
  ) async throws {
    let file = try Self.file(Self.text.replacing("cores: 2", with: "cores: many"))
    defer { unlink(file) }
    let answer = try await Binary.run(before + [file] + after)
    #expect(answer.exitCode == 65)
    #expect(answer.error.contains("\(file):5:") && answer.error.contains("cores"))
  }

  @Test(arguments: [(["validate", "--host"], []), (["run", "--host"], ["--seconds", "0"])])
  func `A file that lacks a table is refused with the table's name`(
    before: [String], after: [String]
  ) async throws {
    let file = try Self.file(Self.text)
    defer { unlink(file) }
    let answer = try await Binary.run(before + [file] + after)
    #expect(answer.exitCode == 65)
    #expect(
      answer.error.contains("\(file) has no table 'matmul_forward' in")
        && answer.error.contains("topology measure"), "\(answer.error)")
  }

  @Test(arguments: [
    ["validate", "--kinds"], ["validate", "--on-host", "--fit"],
    ["validate", "--host", "host.yml", "--ablation"],
  ])
  func `What is of the pods and what is of this host do not mix`(arguments: [String]) async throws {
    #expect(try await Binary.run(arguments).exitCode == 64)
  }
}
