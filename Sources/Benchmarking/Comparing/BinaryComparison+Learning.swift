package import Regression

extension BinaryComparison {
  /// Compares one binary with itself so many times, and takes for each time the tolerance that it
  /// would hardly exceed.
  ///
  /// - Throws: As ``compare(select:progress:)``.
  package func learnedThresholds(
    comparisons: Int, select: ([BenchmarkListing.Entry]) throws -> [BenchmarkListing.Entry],
    progress: (Int) -> Void = { _ in }
  ) throws -> Thresholds {
    var shifts: [String: [Double]] = [:]
    for index in 0..<comparisons {
      for metric in try compare(select: select).metrics {
        if let slowdown = metric.slowdown {
          shifts["\(metric.name)", default: []].append(slowdown.shift)
        }
      }
      progress(index + 1)
    }
    return .learned(
      from: shifts.map { SelfComparison(metric: $0.key, shifts: $0.value) }, comparison: .paired)
  }
}
