internal import Glibc

/// Logarithms of times, from which a slowdown is estimated: positive is worse.
enum TimeEvidence {
  /// One log ratio of new to old for each round in which both took turns.
  case paired([Double])
  case unpaired(base: [Double], new: [Double])

  /// Takes the samples of both sides, divided by the calibration's where both have one.
  init(base: Metric, new: Metric) {
    let isCalibrated = base.calibrationSeconds != nil && new.calibrationSeconds != nil
    self = .unpaired(
      base: base.logarithms(calibrated: isCalibrated),
      new: new.logarithms(calibrated: isCalibrated))
  }

  /// The evidence with the sign that makes positive worse.
  func oriented(by polarity: Metric.Polarity) -> TimeEvidence {
    guard polarity == .biggerIsBetter else { return self }
    return switch self {
    case .paired(let ratios): .paired(ratios.map { -$0 })
    case .unpaired(let base, let new): .unpaired(base: base.map { -$0 }, new: new.map { -$0 })
    }
  }

  func slowdown(error: Double) -> ShiftEstimate {
    switch self {
    case .paired(let ratios): SignedRank.shift(of: ratios, error: error)
    case .unpaired(let base, let new): RankSum.shift(from: base, to: new, error: error)
    }
  }

  var pValue: Double {
    switch self {
    case .paired(let ratios): SignedRank.pValue(ratios)
    case .unpaired(let base, let new): RankSum.pValue(base, new)
    }
  }

  var samples: [Int] {
    switch self {
    case .paired(let ratios): [ratios.count, ratios.count]
    case .unpaired(let base, let new): [base.count, new.count]
    }
  }
}

extension Metric {
  fileprivate func logarithms(calibrated: Bool) -> [Double] {
    guard calibrated, let calibrationSeconds else { return samples.map { log($0) } }
    // Speeds go up where times go down.
    let sign = polarity == .smallerIsBetter ? -1.0 : 1.0
    return zip(samples, calibrationSeconds).map { log($0) + sign * log($1) }
  }
}
