internal import Glibc

/// Where a series moved to another level: before the value with this index.
struct StepChange: Equatable {
  var index: Int
  /// Corrected for the number of places where it could have been; nil for exact figures.
  var pValue: Double?

  /// Fewer results make no level.
  static let smallestSegment = 3
  /// The chance of a step where there is none.
  static let error = 0.05

  /// The steps of figures without noise: each change beyond the tolerance, against the level so far.
  static func steps(ofExact values: [Double], tolerance: Double) -> [StepChange] {
    guard var level = values.first else { return [] }
    var steps: [StepChange] = []
    for (index, value) in values.enumerated()
    where max(value, level) > min(value, level) * (1 + tolerance) {
      steps.append(StepChange(index: index, pValue: nil))
      level = value
    }
    return steps
  }

  /// The steps of noisy values above zero, by seeded binary segmentation with a rank-sum test.
  ///
  /// The whole and windows of a half, a quarter... of it are each cut in two where both parts are the
  /// tightest; a level that comes and goes shows in a window only. The likeliest cut is taken if ranks
  /// so different are unlikely by chance and the shift is beyond the tolerance; then each side
  /// likewise. O(n^2 log n).
  static func steps(ofTimes values: [Double], tolerance: Double) -> [StepChange] {
    var steps: [StepChange] = []
    split(values.map { log($0) }[...], log1p(tolerance), into: &steps)
    return steps.sorted { $0.index < $1.index }
  }

  private static func split(
    _ values: ArraySlice<Double>, _ tolerance: Double, into steps: inout [StepChange]
  ) {
    guard values.count >= 2 * smallestSegment else { return }
    let windows = windows(of: values.indices)
    // Every place where any window could be cut is one more chance of an error.
    let places = windows.reduce(0) { $0 + $1.count - 2 * smallestSegment + 1 }
    let cuts = windows.compactMap { window in
      cut(values[window], tolerance).map { ($0, min(1, $1 * Double(places))) }
    }
    guard let (index, pValue) = cuts.min(by: { $0.1 < $1.1 }), pValue < error else { return }
    steps.append(StepChange(index: index, pValue: pValue))
    split(values[..<index], tolerance, into: &steps)
    split(values[index...], tolerance, into: &steps)
  }

  /// The whole, and overlapping windows of halved lengths as long as two levels fit well.
  private static func windows(of whole: Range<Int>) -> [Range<Int>] {
    var windows = [whole]
    var length = (whole.count + 1) / 2
    while length >= 4 * smallestSegment {
      for start in stride(from: whole.lowerBound, to: whole.upperBound - length, by: length / 2) {
        windows.append(start..<start + length)
      }
      windows.append(whole.upperBound - length..<whole.upperBound)
      length = (length + 1) / 2
    }
    return windows
  }

  /// Where a window is best cut and how likely that is by chance; nil below the tolerance.
  private static func cut(
    _ values: ArraySlice<Double>, _ tolerance: Double
  ) -> (index: Int, pValue: Double)? {
    guard let length = bestCut(Array(values)) else { return nil }
    let index = values.startIndex + length
    let (left, right) = (Array(values[..<index]), Array(values[index...]))
    let shift = RankSum.shift(from: left, to: right, error: 0.5).shift
    guard shift.magnitude > tolerance else { return nil }
    return (index, RankSum.pValue(left, right))
  }

  /// The length of the first part with which both parts lie closest to their medians.
  ///
  /// The rank statistic itself would favour cuts into equal parts.
  private static func bestCut(_ values: [Double]) -> Int? {
    guard values.count >= 2 * smallestSegment else { return nil }
    func spread(_ part: ArraySlice<Double>) -> Double {
      let center = median(Array(part))
      return part.reduce(0) { $0 + ($1 - center).magnitude }
    }
    let lengths = smallestSegment...(values.count - smallestSegment)
    return lengths.map { ($0, spread(values[..<$0]) + spread(values[$0...])) }
      .min { $0.1 < $1.1 }?.0
  }
}
