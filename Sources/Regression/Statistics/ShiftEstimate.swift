/// How far one distribution lies beyond another, and how sure that is.
package struct ShiftEstimate: Sendable, Equatable {
  /// Hodges-Lehmann: the median of all pairwise differences, or of all averages of two pairs.
  package var shift: Double
  /// Infinite where there are too few samples for the asked confidence.
  package var lower, upper: Double

  package init(shift: Double, lower: Double, upper: Double) {
    self.shift = shift
    self.lower = lower
    self.upper = upper
  }

  /// `tail` is the greatest number of sums that may lie beyond each bound, nil for no bound.
  init(_ sums: OrderedSums, tail: Int?, scale: Double) {
    shift = sums.median * scale
    guard let tail, tail < sums.count else {
      (lower, upper) = (-.infinity, .infinity)
      return
    }
    lower = sums.value(at: tail) * scale
    upper = sums.value(at: sums.count - 1 - tail) * scale
  }
}
