/// How often each pair of ids is adjacent in a set of words, kept up to date over merges.
struct PairCounts {
  /// A pair, its count when it was queued, and the words that hold it.
  struct Candidate: Comparable {
    let left, right: Int32
    fileprivate(set) var count: Int
    fileprivate let words: [Int32]

    /// The most frequent first, of these the one with the smaller ids.
    static func < (one: Candidate, other: Candidate) -> Bool {
      (-one.count, one.left, one.right) < (-other.count, other.left, other.right)
    }

    static func == (one: Candidate, other: Candidate) -> Bool {
      (one.count, one.left, one.right) == (other.count, other.left, other.right)
    }
  }

  private var words: [(ids: [Int32], count: Int)]
  private var counts = PairTable(none: 0)
  private var queue = MinHeap<Candidate>()
  /// The pairs that a step made, with the words that hold them, each named once.
  private var made: [SIMD2<Int32>: [Int32]] = [:]

  init(_ words: [(ids: [Int32], count: Int)]) {
    self.words = words
    for (index, word) in words.enumerated() {
      for (left, right) in zip(word.ids, word.ids.dropFirst()) {
        add(left, right, word.count, of: Int32(index))
      }
    }
    queueMade()
  }

  /// Takes out the most frequent pair.
  mutating func mostFrequent() -> Candidate? {
    while var candidate = queue.pop() {
      let count = counts[candidate.left, candidate.right]
      if candidate.count == count { return candidate }
      // Other merges took some of its occurrences since it was queued.
      candidate.count = count
      if count > 0 { queue.push(candidate) }
    }
    return nil
  }

  /// Puts `merged` in place of the pair in all words that hold it.
  mutating func merge(_ pair: Candidate, into merged: Int32) {
    for index in pair.words {
      let (ids, count) = words[Int(index)]
      var result: [Int32] = []
      result.reserveCapacity(ids.count)
      var next = 0
      while next < ids.count {
        guard ids[next] == pair.left, next + 1 < ids.count, ids[next + 1] == pair.right else {
          result.append(ids[next])
          next += 1
          continue
        }
        if let before = result.last {
          counts.update(before, pair.left) { $0 -= count }
          add(before, merged, count, of: index)
        }
        if next + 2 < ids.count {
          counts.update(pair.right, ids[next + 2]) { $0 -= count }
          add(merged, ids[next + 2], count, of: index)
        }
        result.append(merged)
        next += 2
      }
      words[Int(index)].ids = result
    }
    queueMade()
  }

  private mutating func add(_ left: Int32, _ right: Int32, _ count: Int, of word: Int32) {
    counts.update(left, right) { $0 += count }
    let key = SIMD2(left, right)
    if made[key]?.last != word { made[key, default: []].append(word) }
  }

  private mutating func queueMade() {
    for (pair, words) in made {
      let count = counts[pair.x, pair.y]
      guard count > 0 else { continue }
      queue.push(Candidate(left: pair.x, right: pair.y, count: count, words: words))
    }
    made.removeAll(keepingCapacity: true)
  }
}
