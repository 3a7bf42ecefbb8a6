import Benchmarking
import Regression
import Reporting

/// What `bench` measured, for people.
struct BenchTable {
  private let result: BenchmarkResult

  init(_ result: BenchmarkResult) { self.result = result }

  /// Times first, then counts; a table that would be empty is not there.
  func text(width: Int?) -> String {
    let parts = [times, counts].filter { !$0.rows.isEmpty }.map { $0.text(width: width) }
    return parts.joined(separator: "\n") + "\n" + summary
  }

  private var times: Table {
    var table = Table([
      .init("benchmark"), .init("p50", .right), .init("p90", .right), .init("p99", .right),
      .init("median ±", .right), .init("CPU / wall", .right), .init("samples", .right),
      .init("what runs"),
    ])
    for benchmark in result.benchmarks {
      guard let wall = benchmark.metric("seconds"), let cpu = benchmark.metric("cpu_seconds") else {
        continue
      }
      let summary = SampleSummary(wall.samples)
      let share = summary.median > 0 ? SampleSummary(cpu.samples).median / summary.median : 0
      table.add(
        [benchmark.name]
          + [0.5, 0.9, 0.99].map { Format.si(summary.percentile($0), "s") } + [
            Format.percent(summary.spread), Format.fixed(share, 2), "\(wall.samples.count)",
            benchmark.plan,
          ])
    }
    return table
  }

  /// A line for each count and size.
  private var counts: Table {
    var table = Table([.init("benchmark"), .init("metric"), .init("", .right), .init("unit")])
    for benchmark in result.benchmarks {
      for metric in benchmark.metrics where metric.kind != .time {
        let value = metric.samples.first ?? 0
        table.add([
          benchmark.name, metric.name, Format.grouped(Int(clamping: Int64(min(value, 9e18)))),
          metric.unit,
        ])
      }
    }
    return table
  }

  private var summary: String {
    let failures = result.failures.map { "failed: \($0.benchmark): \($0.reason)\n" }.joined()
    return "\(result.benchmarks.count) benchmarks, \(result.failures.count) failed; "
      + "\(result.machine.cpu), \(result.machine.instructionSet), \(result.machine.cpus) CPUs, "
      + "load \(Format.fixed(result.machine.loadAverage, 2))\n" + failures
  }
}

extension MeasuredBenchmark {
  fileprivate func metric(_ name: String) -> Metric? {
    metrics.first { $0.name == name && !$0.samples.isEmpty }
  }
}
