import Collectives
import Testing

@Suite("Reductions over a group")
struct ReductionTests {
  @Test("Whole numbers add up exactly on every target", arguments: groupSizes, [1, 2, 5])
  func sum(ranks: Int, targets: Int) {
    for count in elementCounts {
      let values = wholeNumbers(ranks: ranks, count: count)
      let group = Group(values, targets: targets, of: count)
      var bytes = CollectiveBytes()
      group.buffers.allReduceSum(0..<count, counting: &bytes)
      let expected = (0..<count).map { element in
        Float(values.reduce(0) { $0 + Int($1[element]) })
      }
      for target in 0..<targets { #expect(group.target(target) == expected) }
      #expect(group.guardsHold)
      var counted = CollectiveBytes()
      counted.allReduceSum = 4 * count * ranks
      #expect(bytes == counted)
    }
  }

  @Test("The largest value is found on every target", arguments: groupSizes, [1, 2, 5])
  func maximum(ranks: Int, targets: Int) {
    for count in elementCounts {
      let values = wholeNumbers(ranks: ranks, count: count)
      let group = Group(values, targets: targets, of: count)
      var bytes = CollectiveBytes()
      group.buffers.allReduceMax(0..<count, counting: &bytes)
      let expected = (0..<count).map { element in values.map { $0[element] }.max() }
      for target in 0..<targets { #expect(group.target(target) == expected) }
      #expect(group.guardsHold)
      var counted = CollectiveBytes()
      counted.allReduceMax = 4 * count * ranks
      #expect(bytes == counted)
    }
  }

  @Test("Sums have the bits of the canonical tree", arguments: groupSizes)
  func tree(ranks: Int) {
    let values = roughNumbers(ranks: ranks, count: 101)
    let group = Group(values, targets: 1, of: 101)
    var bytes = CollectiveBytes()
    group.buffers.allReduceSum(0..<101, counting: &bytes)
    let expected = (0..<101).map { element in treeSum(values.map { $0[element] }) }
    #expect(bits(group.target()) == bits(expected))
  }

  @Test("The tree is no sum from left to right")
  func order() {
    let values: [Float] = [1e8, 1, -1e8, 1]
    let group = Group(values.map { [$0] }, targets: 1, of: 1)
    var bytes = CollectiveBytes()
    group.buffers.allReduceSum(0..<1, counting: &bytes)
    // 1e8 + 1 rounds to 1e8 in float32: both ones are lost in the tree, the last survives else.
    #expect(values.reduce(0, +) == 1)
    #expect(group.target() == [0])
  }

  @Test(
    "Parts of any size give the bits and the bytes of the whole", arguments: [1, 3, 16, 17, 64])
  func parts(ranks: Int) {
    var values = roughNumbers(ranks: ranks, count: 131)
    for (index, special) in [Float.nan, .infinity, -.infinity, -0.0].enumerated() {
      for element in stride(from: index, to: 131, by: 17) {
        values[(element * 5 + index) % ranks][element] = special
      }
    }
    for isMaximum in [false, true] {
      func run(_ pieces: [Range<Int>]) -> (targets: [[UInt32]], bytes: CollectiveBytes) {
        let group = Group(values, targets: 2, of: 131)
        var bytes = CollectiveBytes()
        for piece in pieces {
          if isMaximum {
            group.buffers.allReduceMax(piece, counting: &bytes)
          } else {
            group.buffers.allReduceSum(piece, counting: &bytes)
          }
        }
        #expect(group.guardsHold)
        return ([bits(group.target(0)), bits(group.target(1))], bytes)
      }
      let whole = run([0..<131])
      for size in [1, 5, 15, 16, 17, 32, 130] {
        let (targets, bytes) = run(cut(131, into: size).reversed())
        #expect(targets == whole.targets, "pieces of \(size)")
        #expect(bytes == whole.bytes)
      }
    }
  }

  @Test("What is outside the part stays as it was")
  func outside() {
    let group = Group(wholeNumbers(ranks: 3, count: 40), targets: 2, of: 40)
    var bytes = CollectiveBytes()
    group.buffers.allReduceSum(9..<23, counting: &bytes)
    for target in [group.target(0), group.target(1)] {
      #expect(target[..<9].allSatisfy { $0 == Group.untouched })
      #expect(target[23...].allSatisfy { $0 == Group.untouched })
      #expect(!target[9..<23].contains(Group.untouched))
    }
    #expect(bytes.allReduceSum == 14 * 4 * 3)
  }

  @Test("Infinities and NaN go through as IEEE 754 says", arguments: [2, 3, 16])
  func special(ranks: Int) {
    // One column for each case: all others of the column are one.
    let columns: [(special: [Float], sum: Float, maximum: Float?)] = [
      ([.infinity], .infinity, .infinity), ([-.infinity], -.infinity, 1),
      ([.infinity, -.infinity], .nan, .infinity), ([.nan], .nan, nil),
    ]
    let values = (0..<ranks).map { rank in
      columns.map { rank < $0.special.count ? $0.special[rank] : 1 }
    }
    let sums = Group(values, targets: 1, of: columns.count)
    let maxima = Group(values, targets: 1, of: columns.count)
    var bytes = CollectiveBytes()
    sums.buffers.allReduceSum(0..<columns.count, counting: &bytes)
    maxima.buffers.allReduceMax(0..<columns.count, counting: &bytes)
    #expect(bits(sums.target()) == bits(columns.map(\.sum)))
    for (found, column) in zip(maxima.target(), columns) {
      if let maximum = column.maximum, ranks > 2 || column.special.count < 2 {
        #expect(found == maximum)
      }
    }
  }

  @Test("A group of none or of 65, and a collective without a target, stop the program")
  func traps() async {
    await #expect(processExitsWith: .failure) { _ = Group([], targets: 1, of: 1) }
    await #expect(processExitsWith: .failure) {
      _ = Group(wholeNumbers(ranks: 65, count: 1), targets: 1, of: 1)
    }
    await #expect(processExitsWith: .failure) { _ = Group([[1]], targets: 0, of: 1) }
  }
}
