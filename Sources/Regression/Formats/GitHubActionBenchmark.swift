internal import Reporting

/// An entry of github-action-benchmark's custom formats (its `src/extract.ts`: `BenchmarkResult`).
struct GitHubActionEntry: Encodable {
  let name, unit: String
  let value: Double
  let range, extra: String
}

extension BenchmarkResult {
  /// One entry for each metric of this polarity: the tool has one rule for all entries of a file.
  func githubEntries(_ polarity: Metric.Polarity) -> [GitHubActionEntry] {
    benchmarks.flatMap { benchmark in
      benchmark.metrics.filter { $0.polarity == polarity }.map { metric in
        GitHubActionEntry(
          name: "\(benchmark.name)/\(metric.name)", unit: metric.unit,
          value: median(metric.samples),
          range: "± \(Format.scientific(medianAbsoluteDeviation(metric.samples), digits: 3))",
          extra: "\(benchmark.plan)\n\(counted(metric.samples.count, "sample"))")
      }
    }
  }
}
