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

  /// The steps of noisy values above zero, by binary segmentation with a rank-sum test.
  ///
  /// The series is cut where the ranks on both sides differ most, if that is unlikely by chance and
  /// the shift is beyond the tolerance; then each part is cut likewise. O(n log n) for each cut.
  static func steps(ofTimes values: [Double], tolerance: Double) -> [StepChange] {
    var steps: [StepChange] = []
    split(values.map { log($0) }[...], log1p(tolerance), into: &steps)
    return steps.sorted { $0.index < $1.index }
  }

  private static func split(
    _ values: ArraySlice<Double>, _ tolerance: Double, into steps: inout [StepChange]
  ) {
    guard let cut = bestCut(Array(values)) else { return }
    let index = values.startIndex + cut
    let (left, right) = (values[..<index], values[index...])
    let places = Double(values.count - 2 * smallestSegment + 1)
    let pValue = min(1, RankSum.pValue(Array(left), Array(right)) * places)
    let shift = RankSum.shift(from: Array(left), to: Array(right), error: 0.5).shift
    guard pValue < error, shift.magnitude > tolerance else { return }
    steps.append(StepChange(index: index, pValue: pValue))
    split(left, tolerance, into: &steps)
    split(right, tolerance, into: &steps)
  }

  /// The length of the first part for which the standardised rank sum is most extreme.
  private static func bestCut(_ values: [Double]) -> Int? {
    let count = values.count
    guard count >= 2 * smallestSegment else { return nil }
    let ranks = Ranks(values).doubled
    var (sum, best, cut) = (0.0, -1.0, 0)
    for length in 1...(count - smallestSegment) {
      sum += Double(ranks[length - 1])
      guard length >= smallestSegment else { continue }
      let distance = (sum - Double(length) * Double(count + 1)).magnitude
      let standardised = distance / (Double(length) * Double(count - length)).squareRoot()
      if standardised > best { (best, cut) = (standardised, length) }
    }
    return cut
  }
}
