/// Wilcoxon's rank-sum test (Mann-Whitney U) and interval, for samples that were taken apart.
///
/// Assumes that the samples are independent, and that the two distributions differ by a shift.
package enum RankSum {
  /// Samples of both sides together; beyond by the normal approximation.
  static let largestExact = 40

  /// How far `new` lies above `old`, with a two-sided interval wrong with probability `error`.
  ///
  /// Ties make the interval wider than it need be, never narrower.
  package static func shift(
    from old: [Double], to new: [Double], error: Double
  ) -> ShiftEstimate {
    ShiftEstimate(
      OrderedSums(differencesOf: new, minus: old), tail: tail(old.count, new.count, error / 2),
      scale: 1)
  }

  /// The two-sided probability of ranks this uneven if both are samples of one distribution.
  ///
  /// Exact with ties too for few samples.
  package static func pValue(_ old: [Double], _ new: [Double]) -> Double {
    let ranks = Ranks(old + new)
    let sum = ranks.doubled.prefix(old.count).reduce(0, +)
    let (m, n) = (Double(old.count), Double(new.count))
    let both = m + n
    // Of doubled ranks: the sum is even about old.count * (both + 1).
    let middle = old.count * (old.count + new.count + 1)
    let distance = (sum - middle).magnitude
    if old.count + new.count <= largestExact {
      let shares = sums(of: old.count, among: ranks.doubled)
      let total = shares.reduce(0, +)
      let beyond = shares.enumerated().reduce(0.0) { result, entry in
        (entry.offset - middle).magnitude >= distance ? result + entry.element : result
      }
      return min(1, beyond / total)
    }
    let variance = m * n / 12 * (both + 1 - ranks.tieTerm / (both * (both - 1)))
    guard variance > 0 else { return 1 }
    let z = (Double(distance) / 2 - 0.5) / variance.squareRoot()
    return min(1, 2 * NormalDistribution.upperTail(z))
  }

  /// The greatest number of differences that may be cut off at each end; nil if there is none.
  private static func tail(_ m: Int, _ n: Int, _ probability: Double) -> Int? {
    if m + n <= largestExact {
      let shares = uDistribution(m, n)
      let allowed = probability * shares.reduce(0, +)
      var (k, below) = (-1, 0.0)
      for share in shares {
        below += share
        if below > allowed { break }
        k += 1
      }
      return k < 0 ? nil : k
    }
    let product = Double(m) * Double(n)
    let deviation = (product * Double(m + n + 1) / 12).squareRoot()
    let k = product / 2 - NormalDistribution.exceeded(with: probability) * deviation - 0.5
    return k < 0 ? nil : Int(k)
  }

  /// In how many orders of m and n samples without ties each U from 0 to m n occurs.
  ///
  /// The coefficients of the Gaussian binomial, multiplied and divided factor by factor; at most
  /// C(40, 20), which a double holds exactly.
  private static func uDistribution(_ m: Int, _ n: Int) -> [Double] {
    var counts = [Double](repeating: 0, count: m * n + 1)
    counts[0] = 1
    for factor in 1...m {
      let up = n + factor
      if up < counts.count {
        for index in stride(from: counts.count - 1, through: up, by: -1) {
          counts[index] -= counts[index - up]
        }
      }
      if factor < counts.count {
        for index in factor..<counts.count { counts[index] += counts[index - factor] }
      }
    }
    return counts
  }

  /// In how many ways `size` of the ranks have each sum.
  private static func sums(of size: Int, among ranks: [Int]) -> [Double] {
    let largest = ranks.sorted().suffix(size).reduce(0, +)
    var ways = [[Double]](
      repeating: [Double](repeating: 0, count: largest + 1), count: size + 1)
    ways[0][0] = 1
    for rank in ranks {
      for chosen in stride(from: size, through: 1, by: -1) {
        for sum in stride(from: largest, through: rank, by: -1) {
          ways[chosen][sum] += ways[chosen - 1][sum - rank]
        }
      }
    }
    return ways[size]
  }
}
