internal import FoundationEssentials

/// What other tools read.
package enum ExportFormat: String, CaseIterable, Sendable {
  /// github-action-benchmark's `customSmallerIsBetter`.
  case githubSmaller = "github-smaller"
  /// github-action-benchmark's `customBiggerIsBetter`.
  case githubBigger = "github-bigger"
  /// Google benchmark's JSON, for its compare.py.
  case google
  /// hyperfine's `--export-json`.
  case hyperfine
}

extension BenchmarkResult {
  /// The result as another tool reads it.
  ///
  /// - Throws: `RegressionError.notComparable` when the format has room for none of the metrics.
  package func text(as format: ExportFormat) throws(RegressionError) -> String {
    switch format {
    case .githubSmaller: try encoded(githubEntries(.smallerIsBetter), format) { $0.isEmpty }
    case .githubBigger: try encoded(githubEntries(.biggerIsBetter), format) { $0.isEmpty }
    case .google: try encoded(GoogleBenchmarkDocument(self), format) { $0.benchmarks.isEmpty }
    case .hyperfine: try encoded(HyperfineDocument(self), format) { $0.results.isEmpty }
    }
  }

  private func encoded<Body: Encodable>(
    _ body: Body, _ format: ExportFormat, isEmpty: (Body) -> Bool
  ) throws(RegressionError) -> String {
    guard !isEmpty(body) else {
      throw .notComparable("the result has no metric that the format \(format.rawValue) can hold")
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    do {
      return String(decoding: try encoder.encode(body), as: UTF8.self) + "\n"
    } catch {
      // Samples are finite: they were checked when the result was read.
      throw .notComparable("the result cannot be written as \(format.rawValue): \(error)")
    }
  }
}

extension MeasuredBenchmark {
  /// Seconds of one iteration, wall clock and CPU, where they were measured.
  var seconds: Metric? { metrics.first { $0.name == "seconds" && $0.kind == .time } }

  /// As many as wall-clock samples, else nil.
  var cpuSeconds: [Double]? {
    let samples = metrics.first { $0.name == "cpu_seconds" && $0.kind == .time }?.samples
    return samples?.count == seconds?.samples.count ? samples : nil
  }
}
