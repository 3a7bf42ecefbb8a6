/// The merges of a vocabulary by rank, and the way from a pair to its rank.
struct Merges: Sendable {
  /// A merge: what becomes of two adjacent ids.
  struct Merge: Equatable, Sendable {
    let left, right, result: Int32
  }

  /// Lowest rank first: of two pairs the earlier one merges first.
  private(set) var all: [Merge] = []
  private var ranks: PairTable<Int32>

  init(minimumCapacity: Int = 0) {
    ranks = PairTable(none: Self.none, minimumCapacity: minimumCapacity)
    all.reserveCapacity(minimumCapacity)
  }

  /// The rank of a pair that does not merge.
  static let none: Int32 = -1

  func rank(_ left: Int32, _ right: Int32) -> Int32 { ranks[left, right] }

  func result(ofRank rank: Int32) -> Int32 { all[Int(rank)].result }

  /// Adds a merge behind all others; false when the pair has one already.
  mutating func append(_ merge: Merge) -> Bool {
    let rank = Int32(clamping: all.count)
    guard ranks[merge.left, merge.right] == Self.none else { return false }
    ranks.update(merge.left, merge.right) { $0 = rank }
    all.append(merge)
    return true
  }
}
