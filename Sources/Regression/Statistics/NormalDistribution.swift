internal import Glibc

/// The standard normal distribution.
enum NormalDistribution {
  /// The probability of a value of at least `z`.
  static func upperTail(_ z: Double) -> Double { erfc(z / 2.0.squareRoot()) / 2 }

  /// The value that is exceeded with this probability, from 0 to 1; by bisection, to 1e-12.
  static func exceeded(with probability: Double) -> Double {
    // Beyond 38 deviations the probability is less than the least double.
    var (low, high) = (-38.0, 38.0)
    while high - low > 1e-12 {
      let middle = (low + high) / 2
      if upperTail(middle) > probability { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}
