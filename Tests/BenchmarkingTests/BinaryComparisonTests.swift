import Foundation
import Regression
import Testing

@testable import Benchmarking

@Suite("Two binaries in turns")
struct BinaryComparisonTests {
  @Test(
    "judge by the ratio of each round, whichever binary goes first",
    arguments: [
      (1.04, ComparisonOutcome.regression), (0.96, .better), (1.0, .same),
    ])
  func ratios(factor: Double, outcome: ComparisonOutcome) throws {
    let folder = try Folder()
    let comparison = try Self.compare(
      Self.fake(in: folder, named: "old", seconds: 0.001),
      Self.fake(in: folder, named: "new", seconds: 0.001 * factor))
    #expect(comparison.outcome == outcome)
    let time = try #require(comparison.metrics.first { $0.kind == .time })
    #expect(time.name == MetricName(benchmark: "kernels/x", metric: "cpu_seconds"))
    #expect(abs((time.change ?? 1) - (factor - 1)) < 1e-9)
    #expect(abs((time.base ?? 0) - 0.001) < 1e-12)
  }

  @Test("never are the same where one lacks a benchmark")
  func missing() throws {
    let folder = try Folder()
    let comparison = try Self.compare(
      Self.fake(in: folder, named: "old", seconds: 0.001),
      Self.fake(in: folder, named: "new", seconds: 0.001, benchmark: "kernels/y"))
    #expect(comparison.outcome == .notComparable)
    #expect(comparison.problems.contains { $0.contains("kernels/x is in BASE and missing in NEW") })
  }

  @Test(
    "differ by one allocation, and no time is measured",
    arguments: [
      ("allocate:kernels/gelu_in_cache", "kernels/gelu_in_cache/heap_allocations"),
      (
        "collective:collectives/all_reduce_in_cache",
        "collectives/all_reduce_in_cache/collective_calls"
      ),
    ])
  func counts(fault: String, metric: String) throws {
    let folder = try Folder()
    let planted = try folder.script("GPTJ_BENCH_PLANT=\(fault) exec \(binary) \"$@\"")
    let comparison = try Self.compare(binary, planted) { entries in
      entries.filter { fault.hasSuffix($0.name) }
    }
    #expect(comparison.outcome == .regression)
    #expect(comparison.metrics.contains { "\($0.name)" == metric && $0.verdict == .regression })
    #expect(!comparison.metrics.contains { $0.kind == .time })
  }

  @Test("find the kernel that takes twice as long, and only that")
  func slower() throws {
    let folder = try Folder()
    let planted = try folder.script(
      "GPTJ_BENCH_PLANT=slow:kernels/adamw_in_cache:1 exec \(binary) \"$@\"")
    let comparison = try Self.compare(binary, planted) { entries in
      entries.filter { ["kernels/adamw_in_cache", "kernels/gelu_in_cache"].contains($0.name) }
    }
    let worse = comparison.metrics.filter { $0.verdict == .regression }.map { "\($0.name)" }
    #expect(worse == ["kernels/adamw_in_cache/cpu_seconds"])
  }

  @Test("end with the crash of one")
  func crash() throws {
    let folder = try Folder()
    let planted = try folder.script(
      "GPTJ_BENCH_PLANT=crash:kernels/gelu_in_cache exec \(binary) \"$@\"")
    #expect(throws: BenchmarkProcessError.ended(path: planted, .signal(SIGSEGV))) {
      try Self.compare(binary, planted) { $0.filter { $0.name == "kernels/gelu_in_cache" } }
    }
  }

  @Test("teach their own tolerance, never below the floor")
  func learning() throws {
    let folder = try Folder()
    let fake = try Self.fake(in: folder, named: "old", seconds: 0.001)
    let learned = try Self.comparison(fake, fake).learnedThresholds(comparisons: 2) { $0 }
    #expect(
      learned.lines == [
        Thresholds.Line(
          metric: "kernels/x/cpu_seconds", kind: .time, comparison: .paired, tolerance: 0.005,
          limit: 0.03)
      ])
  }

  private static func comparison(_ old: String, _ new: String) throws -> BinaryComparison {
    BinaryComparison(
      old: old, new: new, thresholds: try Thresholds.builtIn(),
      settings: BinaryComparison.Settings(timeLimitSeconds: 60))
  }

  private static func compare(
    _ old: String, _ new: String,
    select: ([BenchmarkListing.Entry]) throws -> [BenchmarkListing.Entry] = { $0 }
  ) throws -> Comparison {
    try comparison(old, new).compare(select: select)
  }

  /// A binary whose one benchmark always takes the same.
  private static func fake(
    in folder: Folder, named name: String, seconds: Double, benchmark: String = "kernels/x"
  ) throws -> String {
    let listing = BenchmarkListing(
      schemaVersion: 1, tool: BenchmarkedTool(version: "1", executableBytes: 1, libraries: [:]),
      machine: .ofThisHost(),
      benchmarks: [
        BenchmarkListing.Entry(
          name: benchmark, suite: "kernels", plan: "one", calibrator: .compute, waits: false,
          isGate: true)
      ])
    let count = Metric(name: "flops", unit: "FLOP", kind: .count, samples: [1])
    let prepared = PreparedBenchmark(counts: [count], secondsPerIteration: 1)
    let script = """
      #!/bin/sh
      while read -r line; do case $line in
        *'"list"'*) echo '\(encodedLine(BenchmarkReply.listing(listing)))' ;;
        *'"prepare"'*) echo '\(encodedLine(BenchmarkReply.prepared(prepared)))' ;;
        *'"run"'*) echo '\(encodedLine(BenchmarkReply.measured(seconds: seconds, cpuSeconds: seconds)))' ;;
        *'"release"'*) echo '\(encodedLine(BenchmarkReply.released))' ;;
      esac; done
      """
    let path = folder.url.appendingPathComponent(name).path
    try Data(script.utf8).write(to: URL(fileURLWithPath: path))
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    return path
  }
}
