/// Sums of two values each, as an ascending order that is never written out.
///
/// A rank is found by bisection over the doubles themselves, so it is exact, takes no memory and
/// O(64 n): a file may have as many samples as it likes.
struct OrderedSums {
  /// Both ascending.
  private let left, right: [Double]
  /// Whether both sides are the same values and each pair counts once.
  private let isTriangle: Bool

  /// The sums of each value with itself and with all after it: twice the Walsh averages.
  init(pairsOf values: [Double]) {
    left = values.sorted()
    right = left
    isTriangle = true
  }

  /// The differences of each new and each old value.
  init(differencesOf new: [Double], minus old: [Double]) {
    left = new.sorted()
    right = old.map { -$0 }.sorted()
    isTriangle = false
  }

  var count: Int {
    isTriangle ? left.count * (left.count + 1) / 2 : left.count * right.count
  }

  /// The sum with this many before it.
  func value(at rank: Int) -> Double {
    precondition((0..<count).contains(rank), "rank \(rank) of \(count)")
    var low = key(left[0] + right[0])
    var high = key(left[left.count - 1] + right[right.count - 1])
    while low < high {
      let middle = low &+ Int64((UInt64(bitPattern: high &- low)) / 2)
      if count(upTo: value(ofKey: middle)) > rank { high = middle } else { low = middle &+ 1 }
    }
    return value(ofKey: low)
  }

  var median: Double {
    let upper = value(at: count / 2)
    return count.isMultiple(of: 2) ? (value(at: count / 2 - 1) + upper) / 2 : upper
  }

  private func count(upTo limit: Double) -> Int {
    var (total, end) = (0, right.count)
    for (index, value) in left.enumerated() {
      while end > 0, value + right[end - 1] > limit { end -= 1 }
      total += isTriangle ? max(0, end - index) : end
      if end == 0 { break }
    }
    return total
  }

  /// Integers in the order of the doubles.
  private func key(_ value: Double) -> Int64 {
    let bits = Int64(bitPattern: value.bitPattern)
    return bits >= 0 ? bits : Int64.min &- bits
  }

  private func value(ofKey key: Int64) -> Double {
    Double(bitPattern: UInt64(bitPattern: key >= 0 ? key : Int64.min &- key))
  }
}
