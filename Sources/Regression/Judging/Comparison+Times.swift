internal import Glibc

/// A time of two binaries that took turns.
package struct PairedTimes: Sendable, Equatable {
  package var name: MetricName
  package var unit: String
  package var polarity: Metric.Polarity
  /// Medians, for the reader.
  package var base, new: Double?
  /// log(new/base), one of each round.
  package var logRatios: [Double]

  package init(
    name: MetricName, unit: String = "s", polarity: Metric.Polarity = .smallerIsBetter,
    base: Double? = nil, new: Double? = nil, logRatios: [Double]
  ) {
    self.name = name
    self.unit = unit
    self.polarity = polarity
    self.base = base
    self.new = new
    self.logRatios = logRatios
  }
}

/// A time that waits for its verdict.
struct TimeCandidate {
  /// Complete but for estimate and verdict.
  var metric: MetricComparison
  var evidence: TimeEvidence

  init(_ metric: MetricComparison, _ evidence: TimeEvidence) {
    self.metric = metric
    self.evidence = evidence.oriented(by: metric.polarity)
    self.metric.samples = evidence.samples
  }

  /// Takes the estimate at a level; true if it lies beyond the tolerance on either side.
  mutating func decide(error: Double) -> Bool {
    let slowdown = evidence.slowdown(error: error)
    metric.slowdown = slowdown
    let tolerance = log1p(metric.threshold.tolerance)
    if slowdown.lower > tolerance {
      metric.verdict = .regression
    } else if slowdown.upper < -tolerance {
      metric.verdict = .better
    } else {
      metric.verdict = slowdown.upper < log1p(metric.threshold.limit) ? .same : .inconclusive
      return false
    }
    return true
  }
}

extension Comparison {
  /// Judges times of two binaries that took turns, all together.
  ///
  /// A metric without rounds is inconclusive. Asked again with more rounds, give the greatest number
  /// of times as `options.looks`.
  package static func judge(
    paired: [PairedTimes], thresholds: Thresholds, options: ComparisonOptions = .init()
  ) -> Comparison {
    let candidates = paired.map { times in
      TimeCandidate(
        MetricComparison(
          name: times.name, unit: times.unit, kind: .time, polarity: times.polarity,
          base: times.base, new: times.new,
          threshold: thresholds.threshold(
            of: "\(times.name)", kind: .time, comparison: .paired),
          verdict: .inconclusive),
        .paired(times.logRatios.filter(\.isFinite)))
    }
    return Comparison(metrics: judge(candidates, options))
  }

  /// Gives each time its estimate and verdict, in the order given.
  ///
  /// Holm's steps, taken with intervals: all are asked at the level of all; those found beyond their
  /// tolerance leave, and the rest is asked again at the level of the rest. So the chance of any
  /// false finding is `options.error` at most, whatever the number of metrics, and each verdict is
  /// that of the interval that is shown.
  static func judge(
    _ candidates: [TimeCandidate], _ options: ComparisonOptions
  ) -> [MetricComparison] {
    var candidates = candidates
    var open = candidates.indices.filter { !candidates[$0].evidence.samples.contains(0) }
    let corrected = holmAdjusted(open.map { candidates[$0].evidence.pValue })
    for (index, pValue) in zip(open, corrected) { candidates[index].metric.pValue = pValue }
    while !open.isEmpty {
      let error = options.error / Double(open.count * max(1, options.looks))
      let rest = open.filter { !candidates[$0].decide(error: error) }
      if rest.count == open.count { break }
      open = rest
    }
    return candidates.map(\.metric)
  }
}
