/// Wilcoxon's signed-rank test and interval, for differences of pairs that were measured together.
///
/// Assumes that the differences are independent and symmetric about the shift; they need not be
/// normal, and a few outliers do not matter.
package enum SignedRank {
  /// Up to here by counting all assignments of signs, beyond by the normal approximation.
  static let largestExact = 50

  /// The shift with a two-sided interval: wrong with probability `error` at most.
  ///
  /// Ties make the interval wider than it need be, never narrower.
  package static func shift(of differences: [Double], error: Double) -> ShiftEstimate {
    ShiftEstimate(
      OrderedSums(pairsOf: differences), tail: tail(differences.count, error / 2), scale: 0.5)
  }

  /// The two-sided probability of a sum of ranks this far from the middle if there is no shift.
  ///
  /// Zero differences are left out, as Wilcoxon has it; exact with ties too for few pairs.
  package static func pValue(_ differences: [Double]) -> Double {
    let differences = differences.filter { $0 != 0 }
    guard !differences.isEmpty else { return 1 }
    let ranks = Ranks(differences.map(\.magnitude))
    let positive = zip(differences, ranks.doubled).reduce(0) { $0 + ($1.0 > 0 ? $1.1 : 0) }
    let total = ranks.doubled.reduce(0, +)
    let smaller = min(positive, total - positive)
    if differences.count <= largestExact {
      let below = distribution(ofRanks: ranks.doubled).prefix(smaller + 1).reduce(0, +)
      return min(1, 2 * below)
    }
    let n = Double(differences.count)
    let variance = n * (n + 1) * (2 * n + 1) / 24 - ranks.tieTerm / 48
    let distance = Double(total - 2 * smaller) / 4 - 0.5
    return min(1, 2 * NormalDistribution.upperTail(distance / variance.squareRoot()))
  }

  /// The greatest k with P(sum of positive ranks <= k) <= probability; nil if there is none.
  private static func tail(_ count: Int, _ probability: Double) -> Int? {
    if count <= largestExact {
      var (k, below) = (-1, 0.0)
      for share in distribution(ofRanks: Array(1...count)) {
        below += share
        if below > probability { break }
        k += 1
      }
      return k < 0 ? nil : k
    }
    let n = Double(count)
    let deviation = (n * (n + 1) * (2 * n + 1) / 24).squareRoot()
    let k =
      n * (n + 1) / 4 - NormalDistribution.exceeded(with: probability) * deviation - 0.5
    return k < 0 ? nil : Int(k)
  }

  /// The probability of each sum when every rank counts or not with probability one half.
  private static func distribution(ofRanks ranks: [Int]) -> [Double] {
    var shares = [1.0]
    for rank in ranks {
      var next = [Double](repeating: 0, count: shares.count + rank)
      for (sum, share) in shares.enumerated() {
        next[sum] += share / 2
        next[sum + rank] += share / 2
      }
      shares = next
    }
    return shares
  }
}
