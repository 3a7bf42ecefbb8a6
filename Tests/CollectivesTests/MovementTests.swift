import Collectives
import Testing

@Suite("Scatters, gathers and broadcasts over a group")
struct MovementTests {
  /// Elements of each of `ranks` flat shards, the last ones padded.
  private func shard(_ count: Int, _ ranks: Int) -> Int { (count + ranks - 1) / ranks }

  /// Each member's shard of the sum, cut into pieces of that size.
  private func scatter(
    _ values: [[Float]], count: Int, pieces: Int, counting bytes: inout CollectiveBytes
  ) -> [[Float]] {
    let size = shard(count, values.count)
    return values.indices.map { member in
      let group = Group(values, targets: 1, of: size)
      for piece in cut(size, into: pieces) {
        group.buffers.reduceScatter(
          piece, offset: member * size, count: count, counting: &bytes)
      }
      #expect(group.guardsHold)
      return group.target()
    }
  }

  @Test(
    "A reduce-scatter gives each rank its shard of the sum, and zeros behind the end",
    arguments: groupSizes)
  func reduceScatter(ranks: Int) {
    for count in elementCounts where count > 0 {
      let values = wholeNumbers(ranks: ranks, count: count)
      var bytes = CollectiveBytes()
      let shards = scatter(values, count: count, pieces: 1000, counting: &bytes)
      var expected = (0..<count).map { element in
        Float(values.reduce(0) { $0 + Int($1[element]) })
      }
      expected += [Float](repeating: 0, count: shard(count, ranks) * ranks - count)
      #expect(shards.flatMap(\.self) == expected)
      var counted = CollectiveBytes()
      counted.reduceScatter = 4 * count * ranks
      #expect(bytes == counted)
    }
  }

  @Test("A reduce-scatter has the all-reduce's bits, whatever the pieces", arguments: [3, 16, 17])
  func sameBits(ranks: Int) {
    let values = roughNumbers(ranks: ranks, count: 100)
    let whole = Group(values, targets: 1, of: 100)
    var ignored = CollectiveBytes()
    whole.buffers.allReduceSum(0..<100, counting: &ignored)
    for pieces in [1, 3, 7, 100] {
      var bytes = CollectiveBytes()
      let shards = scatter(values, count: 100, pieces: pieces, counting: &bytes)
      #expect(bits(Array(shards.flatMap(\.self).prefix(100))) == bits(whole.target()))
      #expect(bytes.reduceScatter == 4 * 100 * ranks)
    }
  }

  @Test("A gather joins the shards on every target and drops the padding", arguments: groupSizes)
  func allGather(ranks: Int) {
    for count in elementCounts where count > 0 {
      let size = shard(count, ranks)
      let whole = (0..<count).map { Float($0 * 3 + 1) }
      for pieces in [1, 5, 1000] {
        var joined = [[Float]](
          repeating: [Float](repeating: Group.untouched, count: count), count: 2)
        var bytes = CollectiveBytes()
        for member in 0..<ranks {
          // Padding that must not arrive anywhere.
          let own = (0..<size).map {
            member * size + $0 < count ? whole[member * size + $0] : .nan
          }
          let group = Group([own], targets: 2, of: count)
          for piece in cut(size, into: pieces) {
            group.buffers.allGather(
              piece, offset: member * size, count: count, counting: &bytes)
          }
          #expect(group.guardsHold)
          for target in 0..<2 {
            for (index, value) in group.target(target).enumerated() where value != Group.untouched {
              joined[target][index] = value
            }
          }
        }
        #expect(joined == [whole, whole])
        var counted = CollectiveBytes()
        counted.allGather = 4 * count * 2
        #expect(bytes == counted)
      }
    }
  }

  @Test("A gather undoes a reduce-scatter", arguments: [1, 4, 7, 16])
  func roundTrip(ranks: Int) {
    let count = 53
    let values = wholeNumbers(ranks: ranks, count: count)
    var bytes = CollectiveBytes()
    let shards = scatter(values, count: count, pieces: 4, counting: &bytes)
    let size = shard(count, ranks)
    var joined = [Float](repeating: 0, count: count)
    for (member, own) in shards.enumerated() {
      let group = Group([own], targets: 1, of: count)
      group.buffers.allGather(0..<size, offset: member * size, count: count, counting: &bytes)
      for (index, value) in group.target().enumerated() where value != Group.untouched {
        joined[index] = value
      }
    }
    let reduced = Group(values, targets: 1, of: count)
    reduced.buffers.allReduceSum(0..<count, counting: &bytes)
    #expect(joined == reduced.target())
  }

  @Test("A broadcast copies the root's part to every target, NaN included", arguments: [1, 2, 16])
  func broadcast(targets: Int) {
    for count in elementCounts {
      var root = wholeNumbers(ranks: 1, count: count)[0]
      if count > 2 { root[1] = .nan }
      let group = Group([root], targets: targets, of: count)
      var bytes = CollectiveBytes()
      for piece in cut(count, into: 6) { group.buffers.broadcast(piece, counting: &bytes) }
      for target in 0..<targets { #expect(bits(group.target(target)) == bits(root)) }
      #expect(group.guardsHold)
      var counted = CollectiveBytes()
      counted.broadcast = 4 * count * targets
      #expect(bytes == counted)
    }
  }
}
