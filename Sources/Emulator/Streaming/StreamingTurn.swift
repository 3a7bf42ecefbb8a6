/// What one turn of a phase touches of streaming memory.
struct StreamingTurn {
  /// Buffers in the order of their first use.
  private(set) var buffers: [Int] = []
  /// Those of them whose bytes from before the turn are read.
  private(set) var read: Set<Int> = []
  private(set) var written: Set<Int> = []

  mutating func touch(_ buffer: Int, writes: Bool, replaces: Bool) {
    let isNew = !buffers.contains(buffer)
    if isNew {
      buffers.append(buffer)
      if !replaces { read.insert(buffer) }
    }
    if writes { written.insert(buffer) }
  }
}
