import Regression
import Testing

struct ComparabilityTests {
  private let base = Sample.result([
    Sample.benchmark([Sample.count(12), Sample.time(seconds)]),
    Sample.benchmark([Sample.count(7), Sample.time(seconds)], name: "kernels/gemm"),
  ])
  private static let seconds = (0..<20).map { 0.1 + Double($0) * 1e-5 }

  @Test func `Equal results are the same`() throws {
    let comparison = try judge(base, base)
    #expect(comparison.outcome == .same && comparison.outcome.exitStatus == 0)
    #expect(comparison.metrics.count == 4)
    #expect(
      comparison.metrics.map(\.name.benchmark) == [
        "kernels/gelu", "kernels/gelu", "kernels/gemm", "kernels/gemm",
      ])
  }

  @Test func `A benchmark or metric that disappears is named and makes it red`() throws {
    var new = base
    new.benchmarks.removeLast()
    new.benchmarks[0].metrics.removeFirst()
    let comparison = try judge(base, new)
    #expect(comparison.outcome.exitStatus == 65)
    #expect(comparison.problems.count == 2)
    #expect(comparison.text().contains("kernels/gelu/heap_allocations is in BASE and missing"))
    #expect(comparison.text().contains("benchmark kernels/gemm is in BASE and missing"))
    // A regression beside it changes nothing.
    new.benchmarks[0].metrics[0].samples = Self.seconds.map { $0 * 2 }
    #expect(try judge(base, new).outcome == .notComparable)
  }

  @Test func `What is new is reported and is no reason to fail`() throws {
    var new = base
    new.benchmarks[0].metrics.append(Sample.count(5, name: "flops"))
    new.benchmarks.append(Sample.benchmark([Sample.count(1)], name: "kernels/new"))
    let comparison = try judge(base, new)
    #expect(comparison.outcome == .same)
    #expect(
      comparison.metrics.filter { $0.verdict == .new }.map(\.name.description) == [
        "kernels/gelu/flops", "kernels/new/heap_allocations",
      ])
  }

  @Test func `Only what is new is nothing compared`() throws {
    let new = Sample.result([Sample.benchmark([Sample.count(1)])])
    let comparison = Comparison.judge(
      base: [], new: new.benchmarks, thresholds: Sample.thresholds)
    #expect(comparison.outcome == .notComparable)
    #expect(comparison.summary.contains("nothing was compared"))
  }

  @Test func `Another plan is not compared`() throws {
    var new = base
    new.benchmarks[0].plan = "2048 x 4096"
    let comparison = try judge(base, new)
    #expect(comparison.outcome == .notComparable)
    #expect(comparison.problems.count == 1 && comparison.problems[0].contains("'1024 x 4096'"))
    #expect(comparison.metrics.map(\.name.benchmark) == ["kernels/gemm", "kernels/gemm"])
  }

  @Test func `A metric with another unit, kind or polarity is another metric`() throws {
    let change: [(inout Metric) -> Void] = [
      { $0.unit = "ms" }, { $0.kind = .size }, { $0.polarity = .biggerIsBetter },
    ]
    for change in change {
      var new = base
      change(&new.benchmarks[0].metrics[1])
      let comparison = try judge(base, new)
      #expect(comparison.outcome == .notComparable)
      #expect(comparison.problems[0].contains("kernels/gelu/seconds is another metric"))
    }
  }

  static let otherMachines: [(String, @Sendable (inout MachineIdentity) -> Void)] = [
    ("cpu", { $0.cpu = "Other" }), ("instruction_set", { $0.instructionSet = "avx2" }),
    ("cpus", { $0.cpus = 4 }), ("cache_bytes", { $0.cacheBytes["L2"] = 5 }),
    ("numa_nodes", { $0.numaNodes = 2 }), ("memory_bytes", { $0.memoryBytes = 5 }),
    ("kernel", { $0.kernel = "6.2" }), ("governor", { $0.governor = "powersave" }),
  ]

  @Test(arguments: otherMachines)
  func `Another machine is named by its fields`(
    field: String, change: @Sendable (inout MachineIdentity) -> Void
  ) throws {
    var new = base
    change(&new.machine)
    do {
      _ = try judge(base, new)
      Issue.record("the machines differ in \(field)")
    } catch {
      #expect(error.exitStatus == 65 && error.description.contains("differ: \(field) is "))
    }
    var options = ComparisonOptions()
    options.allowsDifferentMachine = true
    let allowed = try judge(base, new, options)
    #expect(allowed.outcome == .same && allowed.text().contains("The machines differ: \(field)"))
    options = ComparisonOptions()
    options.countsOnly = true
    let counts = try judge(base, new, options)
    #expect(counts.outcome == .same && counts.metrics.allSatisfy { $0.kind == .count })
  }

  @Test func `The load is no part of a machine`() throws {
    var new = base
    new.machine.loadAverage = 9
    #expect(try judge(base, new).outcome == .same)
  }

  @Test func `The size of the program is compared`() throws {
    var (old, new) = (base, base)
    (old.tool.executableBytes, new.tool.executableBytes) = (1000, 1100)
    let comparison = try judge(old, new)
    #expect(comparison.outcome == .regression)
    #expect(comparison.metrics.last?.name.description == "program/executable_bytes")
  }

  @Test func `A baseline of counts compares counts on any machine`() throws {
    let counts = Baseline.counts(try CountBaseline(checked: base, file: "base"))
    var new = base
    new.machine.cpu = "Other"
    #expect(try judge(counts, new).outcome == .same)
    #expect(try judge(counts, new).metrics.count == 2)
    new.benchmarks[1].metrics[0].samples = [8]
    let comparison = try judge(counts, new)
    #expect(comparison.outcome == .regression && comparison.metrics.last?.unit == "1")
    new.benchmarks.removeFirst()
    #expect(try judge(counts, new).outcome == .notComparable)
  }

  @Test func `A benchmark without counts is not asked for when only counts are`() throws {
    var options = ComparisonOptions()
    options.countsOnly = true
    let times = Sample.result([Sample.benchmark([Sample.time(Self.seconds)])])
    #expect(try judge(times, times, options).outcome == .notComparable)
  }

  private func judge(
    _ base: BenchmarkResult, _ new: BenchmarkResult, _ options: ComparisonOptions = .init()
  ) throws(RegressionError) -> Comparison {
    try Comparison.judge(
      base: .result(base), new: new, thresholds: Sample.thresholds, options: options)
  }

  private func judge(_ base: Baseline, _ new: BenchmarkResult) throws -> Comparison {
    try Comparison.judge(base: base, new: new, thresholds: Sample.thresholds)
  }
}
