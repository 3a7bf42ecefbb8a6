package import Reporting

/// The counts of a result, which hold on every machine: a file that a person can read and diff.
///
/// Units and polarities are those of the result that it is compared with.
package struct CountBaseline: Codable, Sendable, Equatable {
  /// By the name of the benchmark.
  package var countBaseline: [String: Entry]

  package struct Entry: Codable, Sendable, Equatable {
    package var plan: String
    /// By the name of the metric.
    package var counts: [String: Double]
  }

  /// Keeps the counts of a result; benchmarks without any are left out.
  package init(_ benchmarks: [MeasuredBenchmark]) {
    countBaseline = [:]
    for benchmark in benchmarks {
      var counts: [String: Double] = [:]
      for metric in benchmark.metrics where metric.kind == .count {
        counts[metric.name] = metric.samples.first
      }
      if !counts.isEmpty {
        countBaseline[benchmark.name] = Entry(plan: benchmark.plan, counts: counts)
      }
    }
  }

  /// Keeps the counts of a result, and refuses one that has none: it would gate nothing.
  package init(checked result: BenchmarkResult, file: String) throws(RegressionError) {
    self.init(result.benchmarks)
    try check(file: file)
  }

  /// The text of its file.
  package func text() throws(ReportingError) -> String {
    try JSONDocument(self, schemaVersion: BenchmarkResult.schemaVersion).text()
  }

  func check(file: String) throws(RegressionError) {
    guard countBaseline.contains(where: { !$0.value.counts.isEmpty }) else {
      throw .malformed(file: file, problem: "it has no counts", expected: "at least one")
    }
    for (name, entry) in countBaseline {
      for (metric, value) in entry.counts where !(value.isFinite && value >= 0) {
        throw .malformed(
          file: file, problem: "\(name)/\(metric) is \(value)", expected: "a count of at least 0")
      }
    }
  }

  /// As measured benchmarks; `new` lends units and polarities to the metrics that it has too.
  func benchmarks(describedBy new: [MeasuredBenchmark]) -> [MeasuredBenchmark] {
    countBaseline.sorted { $0.key < $1.key }.map { name, entry in
      let known = new.first { $0.name == name }
      let metrics = entry.counts.sorted { $0.key < $1.key }.map { name, count in
        let twin = known?.metrics.first { $0.name == name }
        return Metric(
          name: name, unit: twin?.unit ?? "", polarity: twin?.polarity ?? .smallerIsBetter,
          kind: .count, samples: [count])
      }
      let suite = known?.suite ?? String(name.prefix { $0 != "/" })
      return MeasuredBenchmark(name: name, suite: suite, plan: entry.plan, metrics: metrics)
    }
  }
}

/// What a comparison starts from: a whole result, or only its counts.
package enum Baseline: Sendable {
  case result(BenchmarkResult)
  case counts(CountBaseline)

  /// Reads either kind of file.
  package static func read(_ path: String) throws(RegressionError) -> Baseline {
    let bytes = try ResultFile.contents(of: path)
    let kind: Kind = try ResultFile.decode(bytes, file: path)
    guard kind.countBaseline != nil else { return .result(try ResultFile.read(bytes, file: path)) }
    let counts: CountBaseline = try ResultFile.decode(bytes, file: path)
    try counts.check(file: path)
    return .counts(counts)
  }

  private struct Kind: Decodable {
    let countBaseline: Anything?
  }

  /// Decodes from every value.
  private struct Anything: Decodable {
    init(from decoder: any Decoder) {}
  }
}

extension BenchmarkResult {
  /// The text of its file.
  package func text() throws(ReportingError) -> String {
    try JSONDocument(self, schemaVersion: Self.schemaVersion).text()
  }
}
