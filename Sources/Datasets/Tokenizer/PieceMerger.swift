/// Merges the bytes of one piece after the other, in memory that it keeps.
struct PieceMerger: Sendable {
  /// One id of the piece, and its neighbours as indices; -1 where there is none.
  private struct Symbol {
    var id: Int32
    /// The rank of the merge with the next symbol, `Merges.none` when there is none.
    var rank: Int32
    var previous: Int
    var next: Int
  }

  private var symbols: [Symbol] = []
  /// Rank above position; an entry whose symbol has another rank by now is out of date.
  private var queue = MinHeap<UInt64>()

  /// Appends the ids of `piece`: always the pair of lowest rank merges, the leftmost of equals.
  ///
  /// Cost: n log n in the bytes of the piece.
  mutating func append(
    _ piece: Span<UInt8>, _ tokenizer: borrowing Tokenizer, to ids: inout [Int32]
  ) {
    symbols.removeAll(keepingCapacity: true)
    queue.removeAll()
    for index in piece.indices {
      symbols.append(
        Symbol(
          id: tokenizer.idOfByte[Int(piece[index])], rank: Merges.none, previous: index - 1,
          next: index + 1 < piece.count ? index + 1 : -1))
    }
    for index in symbols.indices { rank(index, tokenizer.merges) }
    while let entry = queue.pop() { merge(entry, tokenizer.merges) }
    var index = 0
    while index >= 0 {
      ids.append(symbols[index].id)
      index = symbols[index].next
    }
  }

  private mutating func merge(_ entry: UInt64, _ merges: borrowing Merges) {
    let index = Int(entry & Self.positionMask)
    let rank = symbols[index].rank
    guard rank != Merges.none, UInt64(rank) == entry >> Self.positionBits else { return }
    let right = symbols[symbols[index].next]
    symbols[symbols[index].next].rank = Merges.none
    symbols[index].id = merges.result(ofRank: rank)
    symbols[index].next = right.next
    if right.next >= 0 { symbols[right.next].previous = index }
    if symbols[index].previous >= 0 { self.rank(symbols[index].previous, merges) }
    self.rank(index, merges)
  }

  /// Looks up and queues the merge of a symbol with its next one.
  private mutating func rank(_ index: Int, _ merges: borrowing Merges) {
    let next = symbols[index].next
    let rank = next < 0 ? Merges.none : merges.rank(symbols[index].id, symbols[next].id)
    symbols[index].rank = rank
    guard rank != Merges.none else { return }
    queue.push(UInt64(rank) << Self.positionBits | UInt64(index))
  }

  /// Ranks are below 2^22 (`Tokenizer.mergeLimit`), positions below 2^40: a terabyte.
  private static let positionBits: UInt64 = 40
  private static let positionMask: UInt64 = 1 << positionBits - 1
}
