internal import Glibc

/// A metric of a benchmark.
package struct MetricName: Hashable, Sendable, Comparable, CustomStringConvertible {
  package var benchmark: String
  package var metric: String

  package init(benchmark: String, metric: String) {
    self.benchmark = benchmark
    self.metric = metric
  }

  /// `benchmark/metric`, as thresholds name it.
  package var description: String { "\(benchmark)/\(metric)" }

  package static func < (left: MetricName, right: MetricName) -> Bool {
    (left.benchmark, left.metric) < (right.benchmark, right.metric)
  }
}

/// One metric on both sides.
package struct MetricComparison: Sendable, Equatable {
  package var name: MetricName
  package var unit: String
  package var kind: Metric.Kind
  package var polarity: Metric.Polarity
  /// Medians of the samples as measured; nil where there are none.
  package var base, new: Double?
  package var threshold: Threshold
  package var verdict: Verdict
  /// How much slower (greater, for other metrics than speeds), as log(new/base): positive is worse.
  ///
  /// Of times only.
  package var slowdown: ShiftEstimate?
  /// The probability of such a difference without any, after Holm's correction; of times only.
  package var pValue: Double?
  /// Samples of the base and of the new side, or rounds twice; of times only.
  package var samples: [Int] = []
  /// Whether the change is that of times divided by the calibration kernel's.
  package var isCalibrated = false

  /// new/base - 1: of the calibrated times where there are some.
  package var change: Double? {
    if let slowdown { return share(slowdown.shift) }
    guard let base, let new else { return nil }
    return new == base ? 0 : new / base - 1
  }

  /// The interval of ``change``: of times only.
  package var changeInterval: (low: Double, high: Double)? {
    guard let slowdown else { return nil }
    let ends = [share(slowdown.lower), share(slowdown.upper)].sorted()
    return (ends[0], ends[1])
  }

  private func share(_ slowdown: Double) -> Double {
    expm1(polarity == .smallerIsBetter ? slowdown : -slowdown)
  }
}

extension MetricComparison: Encodable {
  private enum CodingKeys: String, CodingKey {
    case benchmark, metric, unit, kind, polarity, base, new, change, changeLow, changeHigh
    case calibrated, pValue, samples, tolerance, limit, verdict
  }

  package func encode(to encoder: any Encoder) throws {
    var keys = encoder.container(keyedBy: CodingKeys.self)
    try keys.encode(name.benchmark, forKey: .benchmark)
    try keys.encode(name.metric, forKey: .metric)
    try keys.encode(unit, forKey: .unit)
    try keys.encode(kind, forKey: .kind)
    try keys.encode(polarity, forKey: .polarity)
    try keys.encode(base, forKey: .base)
    try keys.encode(new, forKey: .new)
    try keys.encode(change, forKey: .change)
    try keys.encode(threshold.tolerance, forKey: .tolerance)
    try keys.encode(verdict, forKey: .verdict)
    guard kind == .time else { return }
    try keys.encode(changeInterval?.low, forKey: .changeLow)
    try keys.encode(changeInterval?.high, forKey: .changeHigh)
    try keys.encode(isCalibrated, forKey: .calibrated)
    try keys.encode(pValue, forKey: .pValue)
    try keys.encode(samples, forKey: .samples)
    try keys.encode(threshold.limit, forKey: .limit)
  }
}
