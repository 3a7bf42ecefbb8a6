import Glibc
import Kernels
import Testing

extension KernelsTests {
  @Suite struct CrossEntropyTests {
    /// 45 words on two shards of 24 columns; the last 3 columns are padding with huge logits.
    static let vocabulary = 45
    static let rows = 7
    static let shards = [0, 24].map { first in
      LogitsShard(
        stride: 25, columns: 24, validColumns: min(24, vocabulary - first), firstColumn: first)
    }
    static let labels: [Int32] = [0, 44, 23, -1, 24, 7, -100]

    private func loss(_ x: [Double]) -> Double {
      let used = Self.labels.indices.filter { Self.labels[$0] >= 0 }
      return used.reduce(0) { total, row in
        let logits = x[row * Self.vocabulary..<(row + 1) * Self.vocabulary]
        return total + log(logits.reduce(0) { $0 + exp($1) })
          - logits[logits.startIndex + Int(Self.labels[row])]
      } / Double(used.count)
    }

    private func shardLogits(_ x: [Float]) -> [[Float]] {
      Self.shards.map { shard in
        (0..<Self.rows * shard.stride).map { i in
          let column = i % shard.stride
          let word = shard.firstColumn + column
          return column < shard.validColumns ? x[i / shard.stride * Self.vocabulary + word] : 1e4
        }
      }
    }

    private struct Outcome: Equatable {
      var loss: Double
      var logits: [[Float]]
      var work: WorkCounters
    }

    private func run(_ x: [Float], _ rowCuts: [Range<Int>]) -> Outcome {
      var logits = shardLogits(x)
      var work = WorkCounters()
      let blank = [[Float]](repeating: [Float](repeating: .nan, count: Self.rows), count: 2)
      var (maxes, sums, hits) = (blank, blank, blank)
      for (s, shard) in Self.shards.enumerated() {
        for rows in rowCuts {
          CrossEntropy.rowMax(
            logits[s], shard: shard, into: &maxes[s], rows: rows, counters: &work)
        }
      }
      let top = zip(maxes[0], maxes[1]).map { max($0, $1) }
      for (s, shard) in Self.shards.enumerated() {
        for rows in rowCuts {
          CrossEntropy.rowSums(
            logits[s], shard: shard, labels: Self.labels, max: top, sum: &sums[s],
            labelLogit: &hits[s], rows: rows, counters: &work)
        }
      }
      let sum = zip(sums[0], sums[1]).map { $0 + $1 }
      let hit = zip(hits[0], hits[1]).map { $0 + $1 }
      let total = CrossEntropy.loss(
        labels: Self.labels, max: top, sum: sum, labelLogit: hit, rows: Self.rows)
      #expect(total.validRows == 5)
      for (s, shard) in Self.shards.enumerated() {
        for rows in rowCuts {
          CrossEntropy.backward(
            &logits[s], shard: shard, labels: Self.labels, max: top, sum: sum, scale: 0.2,
            rows: rows, counters: &work)
        }
      }
      return Outcome(loss: total.sum / 5, logits: logits, work: work)
    }

    @Test(arguments: InstructionSet.available)
    func `Shards together give the loss and its slope, padding and ignored rows nothing`(
      path: InstructionSet
    ) {
      var noise = Noise(4)
      let x = noise.floats(Self.rows * Self.vocabulary, scale: 5)
      let got = path.run { run(x, [0..<Self.rows]) }
      #expect(path.run { run(x, cuts(Self.rows)) } == got)
      #expect(abs(got.loss - loss(doubles(x))) < 1e-6)
      #expect(got.work == WorkCounters(elements: 3 * Self.rows * Self.vocabulary))
      for (s, shard) in Self.shards.enumerated() {
        for row in 0..<Self.rows {
          for column in 0..<shard.columns {
            let gradient = Double(got.logits[s][row * shard.stride + column])
            if column >= shard.validColumns || Self.labels[row] < 0 {
              #expect(gradient == 0)
            } else {
              let index = row * Self.vocabulary + shard.firstColumn + column
              #expect(abs(gradient - slope(of: loss, at: doubles(x), index)) < 1e-7)
            }
          }
          #expect(got.logits[s][row * shard.stride + 24] == 1e4)
        }
      }
    }

    @Test(arguments: InstructionSet.available)
    func `A shard that is all padding gives minus infinity and 0`(path: InstructionSet) {
      let shard = LogitsShard(stride: 4, columns: 4, validColumns: 0, firstColumn: 45)
      let logits: [Float] = [9, 9, 9, 9]
      var (max, sum, hit): ([Float], [Float], [Float]) = ([0], [1], [1])
      var work = WorkCounters()
      path.run {
        CrossEntropy.rowMax(logits, shard: shard, into: &max, rows: 0..<1, counters: &work)
        CrossEntropy.rowSums(
          logits, shard: shard, labels: [46], max: [2], sum: &sum, labelLogit: &hit, rows: 0..<1,
          counters: &work)
      }
      #expect(max == [-.infinity] && sum == [0] && hit == [0])
      #expect(work == WorkCounters())
    }
  }
}
