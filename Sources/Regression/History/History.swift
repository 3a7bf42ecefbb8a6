/// Past results of one machine as series, and where they moved.
package struct History: Sendable, Equatable, Encodable {
  /// A result that is in no series, and why.
  package struct Skipped: Sendable, Equatable, Encodable {
    package var file: String
    package var reason: String
  }

  package struct Point: Sendable, Equatable, Encodable {
    package var startedAt: String
    package var file: String
    /// The median: of a time's ratios to the calibration kernel where all results have them.
    package var value: Double
  }

  package struct Step: Sendable, Equatable, Encodable {
    /// Of the first result at the new level.
    package var startedAt: String
    package var file: String
    /// Medians of the levels before and after.
    package var before, after: Double
    /// after/before - 1.
    package var change: Double
    package var isWorse: Bool
    package var pValue: Double?
  }

  package struct Series: Sendable, Equatable, Encodable {
    package var benchmark, metric, unit: String
    package var kind: Metric.Kind
    package var isCalibrated: Bool
    package var points: [Point]
    package var steps: [Step]
  }

  /// How many results the series stand on.
  package var results: Int
  package var skipped: [Skipped]
  package var series: [Series]

  /// Builds the series of the newest result's machine, benchmarks and plans, in order of time.
  ///
  /// - Throws: `RegressionError` when there is no result.
  package init(
    _ files: [(file: String, result: BenchmarkResult)], directory: String, thresholds: Thresholds
  ) throws(RegressionError) {
    let sorted = files.sorted { ($0.result.startedAt, $0.file) < ($1.result.startedAt, $1.file) }
    guard let newest = sorted.last?.result else {
      throw .malformed(
        file: directory, problem: "it has no results", expected: "files that end in .json")
    }
    skipped = []
    var kept: [(file: String, result: BenchmarkResult)] = []
    for (file, result) in sorted {
      let differences = result.machine.differences(from: newest.machine)
      if differences.isEmpty {
        kept.append((file, result))
      } else {
        skipped.append(Skipped(file: file, reason: "another machine"))
      }
    }
    results = kept.count
    series = []
    for benchmark in newest.benchmarks {
      var samePlan: [MeasuredPoint] = []
      for (file, result) in kept {
        guard let past = result.benchmarks.first(where: { $0.name == benchmark.name }) else {
          continue
        }
        if past.plan == benchmark.plan {
          samePlan.append(MeasuredPoint(file: file, result: result, benchmark: past))
        } else {
          skipped.append(Skipped(file: file, reason: "another plan of \(benchmark.name)"))
        }
      }
      series += benchmark.metrics.map { metric in
        Series(metric, of: benchmark, samePlan, thresholds)
      }
    }
  }
}

/// A benchmark in one past result.
private struct MeasuredPoint {
  let file: String
  let result: BenchmarkResult
  let benchmark: MeasuredBenchmark
}

extension History.Series {
  fileprivate init(
    _ metric: Metric, of benchmark: MeasuredBenchmark, _ past: [MeasuredPoint],
    _ thresholds: Thresholds
  ) {
    let found = past.compactMap { point in
      point.benchmark.metrics
        .first { $0.name == metric.name && $0.kind == metric.kind && $0.unit == metric.unit }
        .map { (point, $0) }
    }
    let isCalibrated =
      metric.kind == .time && found.allSatisfy { $0.1.calibrationSeconds != nil }
    let threshold = thresholds.threshold(
      of: "\(benchmark.name)/\(metric.name)", kind: metric.kind, comparison: .stored)
    (self.benchmark, self.metric) = (benchmark.name, metric.name)
    (unit, kind, self.isCalibrated) = (metric.unit, metric.kind, isCalibrated)
    points = found.map { point, metric in
      History.Point(
        startedAt: point.result.startedAt, file: point.file,
        value: metric.typicalValue(calibrated: isCalibrated))
    }
    let values = points.map(\.value)
    let changes =
      metric.kind == .time
      ? StepChange.steps(ofTimes: values, tolerance: threshold.tolerance)
      : StepChange.steps(ofExact: values, tolerance: threshold.tolerance)
    let bounds = [0] + changes.map(\.index) + [values.count]
    steps = changes.enumerated().map { [points] number, change in
      let before = median(Array(values[bounds[number]..<change.index]))
      let after = median(Array(values[change.index..<bounds[number + 2]]))
      return History.Step(
        startedAt: points[change.index].startedAt, file: points[change.index].file,
        before: before, after: after, change: after / before - 1,
        isWorse: (after > before) == (metric.polarity == .smallerIsBetter), pValue: change.pValue)
    }
  }
}

extension Metric {
  /// The median of the samples, each divided by its calibration if asked; of speeds, multiplied.
  package func typicalValue(calibrated: Bool) -> Double {
    guard calibrated, let calibrationSeconds else { return median(samples) }
    return median(
      zip(samples, calibrationSeconds).map {
        polarity == .smallerIsBetter ? $0 / $1 : $0 * $1
      })
  }
}
