import Regression
import Testing

@testable import Benchmarking

@Suite("A planted fault")
struct FaultTests {
  @Test("is read by name")
  func parses() throws {
    let text = "slow:kernels/gelu:0.03,allocate:kernels/gelu,crash:kernels/gemm"
    let faults = try Fault.parse(text)
    #expect(faults["kernels/gelu"] == [.slow(share: 0.03), .allocate])
    #expect(faults["kernels/gemm"] == [.crash])
    #expect(try Fault.parse("").isEmpty)
  }

  @Test(
    "that cannot be planted is an error",
    arguments: [
      "slow:kernels/gelu", "slow:kernels/gelu:-1", "slow:kernels/gelu:x", "crash:kernels/gelu:1",
      "burn:kernels/gelu", "crash", "crash:kernels/gleu", "slow:kernels/gelu:1:2",
    ])
  func refuses(text: String) {
    #expect(throws: BenchmarkingError.self) { try Fault.parse(text) }
  }

  @Test(
    "shows in the counts",
    arguments: ["kernels/gelu", "collectives/all_reduce", "emulator/step_tp1"])
  func counts(name: String) throws {
    let plain = try metrics(of: name, plant: "")
    let allocating = try metrics(of: name, plant: "allocate:\(name)")
    #expect(allocating["heap_allocations"] == plain["heap_allocations"].map { $0 + 1 })
    let more = try metrics(of: name, plant: "collective:\(name)")
    #expect(more["collective_calls"] == (plain["collective_calls"] ?? 0) + 1)
    #expect(more["collective_bytes"] == (plain["collective_bytes"] ?? 0) + 8)
  }

  @Test("of time makes an iteration as much slower as it says")
  func slow() throws {
    let process = try BenchmarkProcess(
      path: binary, environment: ["GPTJ_BENCH_PLANT": "slow:kernels/gelu:9"])
    let plain = try BenchmarkProcess(path: binary, environment: [:])
    func fastest(_ process: BenchmarkProcess) throws -> Double {
      _ = try process.send(.prepare(benchmark: "kernels/gelu"))
      return try (0..<20).map { _ in
        let reply = try process.send(.run(benchmark: "kernels/gelu", iterations: 1))
        guard case .measured(let seconds, _) = reply else { return .infinity }
        return seconds
      }.min() ?? 0
    }
    // Ten times, where noise makes a factor of two at most of the least of twenty.
    #expect(try fastest(process) > 4 * fastest(plain))
  }

  private func metrics(of name: String, plant: String) throws -> [String: Double] {
    let process = try BenchmarkProcess(path: binary, environment: ["GPTJ_BENCH_PLANT": plant])
    guard case .prepared(let prepared) = try process.send(.prepare(benchmark: name)) else {
      return [:]
    }
    return [String: Double](uniqueKeysWithValues: prepared.counts.map { ($0.name, $0.samples[0]) })
  }
}
