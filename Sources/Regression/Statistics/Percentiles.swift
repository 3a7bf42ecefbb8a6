/// A percentile of ascending values by linear interpolation between neighbours, as numpy has it.
///
/// `share` is from 0 to 1: 0.5 is the median.
package func percentile(_ share: Double, ofSorted values: [Double]) -> Double {
  precondition(!values.isEmpty && (0...1).contains(share), "a percentile needs values")
  let position = share * Double(values.count - 1)
  let below = Int(position)
  guard below + 1 < values.count else { return values[below] }
  return values[below] + (position - Double(below)) * (values[below + 1] - values[below])
}

/// The middle value, or the mean of the two in the middle.
package func median(_ values: [Double]) -> Double {
  percentile(0.5, ofSorted: values.sorted())
}

/// The median distance from the median: a spread that outliers do not move.
package func medianAbsoluteDeviation(_ values: [Double]) -> Double {
  let center = median(values)
  return median(values.map { ($0 - center).magnitude })
}
