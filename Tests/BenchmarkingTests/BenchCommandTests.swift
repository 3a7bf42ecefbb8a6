import Foundation
import Regression
import Testing

@testable import Benchmarking

@Suite("gptj-bench bench")
struct BenchCommandTests {
  private struct Document: Decodable {
    struct Benchmark: Decodable {
      struct Metric: Decodable {
        let name, kind: String
        let samples: [Double]
        let calibration_seconds: [Double]?
      }
      let name: String
      let metrics: [Metric]
    }
    struct Failure: Decodable {
      let benchmark, reason: String
    }
    let schema_version: Int
    let benchmarks: [Benchmark]
    let failures: [Failure]
  }

  @Test("counts without timing anything, into a whole file")
  func counts() throws {
    let folder = try Folder()
    let file = folder.url.appendingPathComponent("result.json")
    let outcome = try run(["bench", "--counts", "--suite", "tokenizer", "-o", file.path])
    #expect(outcome.code == 0, "\(outcome.error)")
    #expect(outcome.output.contains("tokenizer/encode"))
    let document = try JSONDecoder().decode(Document.self, from: Data(contentsOf: file))
    #expect(document.schema_version == 1)
    #expect(document.benchmarks.count == 3)
    #expect(document.benchmarks.allSatisfy { $0.metrics.allSatisfy { $0.kind != "time" } })
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).count == 1)
  }

  @Test("times slices, each with a calibration before it")
  func times() throws {
    let outcome = try run([
      "bench", "--filter", "gelu_odd", "--time-limit", "0.5", "--json", "--no-progress",
    ])
    #expect(outcome.code == 0, "\(outcome.error)")
    let document = try JSONDecoder().decode(Document.self, from: Data(outcome.output.utf8))
    #expect(document.benchmarks.map(\.name) == ["kernels/gelu_odd"])
    for name in ["seconds", "cpu_seconds"] {
      let metric = try #require(document.benchmarks[0].metrics.first { $0.name == name })
      #expect(metric.samples.count == metric.calibration_seconds?.count)
      #expect(metric.samples.allSatisfy { $0 > 0 })
    }
  }

  @Test("goes on after a crash, and ends with 1")
  func crash() throws {
    let outcome = try run(
      ["bench", "--counts", "--suite", "tokenizer", "--json", "--no-progress"],
      environment: ["GPTJ_BENCH_PLANT": "crash:tokenizer/decode"])
    #expect(outcome.code == 1)
    let document = try JSONDecoder().decode(Document.self, from: Data(outcome.output.utf8))
    #expect(document.benchmarks.map(\.name) == ["tokenizer/encode", "tokenizer/train"])
    #expect(document.failures.map(\.benchmark) == ["tokenizer/decode"])
    #expect(document.failures.map(\.reason) == ["the process was killed by signal 11"])
  }

  @Test(
    "that would run nothing is bad use, and names what is near",
    arguments: [
      (["--suite", "kernel"], "did you mean kernels?"),
      (["--suite", "zzzzzz"], "Expected kernels, collectives"),
      (["--filter", "gleu"], "did you mean gelu?"),
      (["--suite", "plans", "--filter", "gelu"], "none of 3 benchmarks has 'gelu'"),
      (["--time-limit", "0"], "--time-limit is 0.0"),
    ])
  func nothing(arguments: [String], message: String) throws {
    let outcome = try run(["bench", "--counts"] + arguments)
    #expect(outcome.code == 64)
    #expect(outcome.output.isEmpty)
    #expect(outcome.error.contains(message), "\(outcome.error)")
  }

  @Test("lists every benchmark")
  func list() throws {
    let outcome = try run(["bench", "--list"])
    #expect(outcome.code == 0)
    #expect(Benchmark.all.allSatisfy { outcome.output.contains($0.name) })
  }

  @Test("with faults that cannot be planted serves nothing")
  func badPlant() throws {
    let outcome = try run(["bench", "--counts"], environment: ["GPTJ_BENCH_PLANT": "slow"])
    #expect(outcome.code != 0)
    #expect(outcome.error.contains("GPTJ_BENCH_PLANT has 'slow'"))
  }
}

@Suite("Samples")
struct SampleSummaryTests {
  @Test("have order statistics")
  func percentiles() {
    let summary = SampleSummary((1...100).map(Double.init).reversed())
    #expect(summary.median == 51)
    #expect(summary.percentile(0.9) == 91)
    #expect(summary.percentile(0.99) == 100)
    // 95 % of the medians of 100 are within 10 ranks.
    #expect(abs(summary.spread - 9.5 / 51) < 0.02)
    #expect(SampleSummary([3]).spread == 0)
  }
}
