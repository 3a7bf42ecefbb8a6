import Testing

@testable import Regression

struct StatisticsTests {
  @Test(arguments: [
    (0.0, 1.0), (0.25, 1.75), (0.5, 2.5), (0.9, 3.7), (1.0, 4.0),
  ])
  func `Percentiles lie between neighbours as numpy has them`(share: Double, expected: Double) {
    #expect((percentile(share, ofSorted: [1, 2, 3, 4]) - expected).magnitude < 1e-12)
  }

  @Test func `The median absolute deviation ignores one outlier`() {
    #expect(medianAbsoluteDeviation([1, 2, 3, 4, 1000]) == 1)
  }

  @Test func `Holm corrects the smallest most and keeps the order`() {
    // R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
    let adjusted = holmAdjusted([0.01, 0.04, 0.03, 0.005])
    for (mine, expected) in zip(adjusted, [0.03, 0.06, 0.06, 0.02]) {
      #expect((mine - expected).magnitude < 1e-12)
    }
    #expect(holmAdjusted([]).isEmpty)
  }

  @Test(arguments: [(0.025, 1.959963984540054), (0.5, 0), (1e-5, 4.264890793922825)])
  func `Normal quantiles are those of the tables`(probability: Double, z: Double) {
    #expect((NormalDistribution.exceeded(with: probability) - z).magnitude < 1e-9)
  }

  @Test(arguments: 1...9)
  func `Any rank of the pairwise sums is that of the sorted list`(seed: UInt64) {
    var noise = Noise(state: seed)
    // Rounded, so that there are ties, and zeros of both signs.
    let left = noise.series(7, 3).map { $0.rounded() }
    let right = noise.series(5, 3).map { $0.rounded() }
    let walsh = left.indices.flatMap { i in left[i...].map { left[i] + $0 } }.sorted()
    let differences = right.flatMap { y in left.map { y - $0 } }.sorted()
    let triangle = OrderedSums(pairsOf: left)
    let rectangle = OrderedSums(differencesOf: right, minus: left)
    #expect((0..<triangle.count).map { triangle.value(at: $0) } == walsh)
    #expect((0..<rectangle.count).map { rectangle.value(at: $0) } == differences)
    #expect(triangle.median == median(walsh) && rectangle.median == median(differences))
  }

  @Test(arguments: 1...9)
  func `The signed-rank p-value is the share of all signs as extreme`(seed: UInt64) {
    var noise = Noise(state: seed)
    let values = noise.series(9, 2, shift: 1).map { ($0 * 2).rounded() / 2 }
    let kept = values.filter { $0 != 0 }
    let ranks = Ranks(kept.map(\.magnitude)).doubled
    func distance(_ isPositive: (Int) -> Bool) -> Int {
      let sum = ranks.indices.reduce(0) { $0 + (isPositive($1) ? ranks[$1] : 0) }
      return (2 * sum - ranks.reduce(0, +)).magnitude.asInt
    }
    let observed = distance { kept[$0] > 0 }
    let extreme = (0..<(1 << kept.count)).count { signs in
      distance { signs >> $0 & 1 == 1 } >= observed
    }
    let expected = Double(extreme) / Double(1 << kept.count)
    #expect((SignedRank.pValue(values) - expected).magnitude < 1e-12)
  }

  @Test(arguments: 1...9)
  func `The rank-sum p-value is the share of all splits as extreme`(seed: UInt64) {
    var noise = Noise(state: seed)
    let old = noise.series(5, 2).map { $0.rounded() }
    let new = noise.series(4, 2, shift: 2).map { $0.rounded() }
    let ranks = Ranks(old + new).doubled
    func distance(_ subset: Int) -> Int {
      let sum = ranks.indices.reduce(0) { $0 + (subset >> $1 & 1 == 1 ? ranks[$1] : 0) }
      return (sum - 5 * 10).magnitude.asInt
    }
    let subsets = (0..<(1 << 9)).filter { $0.nonzeroBitCount == 5 }
    let extreme = subsets.count { distance($0) >= distance(0b11111) }
    let expected = Double(extreme) / Double(subsets.count)
    #expect((RankSum.pValue(old, new) - expected).magnitude < 1e-12)
  }

  @Test func `Intervals are the published ones`() {
    // R: wilcox.test(x, conf.int = TRUE), n = 9: from the 6th to the 40th of 45 averages at 95 %.
    let values = [1.0, 2, 4, 8, 16, 32, 64, 128, 256]
    let sums = OrderedSums(pairsOf: values)
    let estimate = SignedRank.shift(of: values, error: 0.05)
    #expect(estimate.lower == sums.value(at: 5) / 2 && estimate.upper == sums.value(at: 39) / 2)
    // m = 4, n = 5: critical U of 1 (two-sided 5 %), so from the 2nd to the 19th difference.
    let differences = OrderedSums(differencesOf: [1, 3, 9, 27, 81], minus: [2, 4, 8, 16])
    let shift = RankSum.shift(from: [2, 4, 8, 16], to: [1, 3, 9, 27, 81], error: 0.05)
    #expect(shift.lower == differences.value(at: 1) && shift.upper == differences.value(at: 18))
  }

  @Test func `Too few samples have no interval`() {
    #expect(SignedRank.shift(of: [1, 2, 3], error: 0.05).lower == -.infinity)
    #expect(RankSum.shift(from: [1, 2], to: [3, 4], error: 0.05).upper == .infinity)
    #expect(SignedRank.shift(of: [1, 2, 3], error: 0.05).shift == 2)
  }

  @Test(arguments: [12, 49, 51, 200])
  func `Intervals miss the true shift as rarely as promised`(count: Int) {
    var noise = Noise(state: 11)
    let runs = 1000
    var missed = (paired: 0, unpaired: 0)
    for _ in 0..<runs {
      let differences = noise.series(count, 0.02, shift: 0.3)
      let paired = SignedRank.shift(of: differences, error: 0.1)
      if !(paired.lower...paired.upper ~= 0.3) { missed.paired += 1 }
      let half = count / 2
      let unpaired = RankSum.shift(
        from: noise.series(half, 0.02), to: noise.series(count - half, 0.02, shift: 0.3),
        error: 0.1)
      if !(unpaired.lower...unpaired.upper ~= 0.3) { missed.unpaired += 1 }
    }
    // Binomial with probability 0.1 at most: four deviations are 38 of 1000.
    #expect((40...138).contains(missed.paired) && (40...138).contains(missed.unpaired))
  }
}

extension UInt {
  fileprivate var asInt: Int { Int(self) }
}
