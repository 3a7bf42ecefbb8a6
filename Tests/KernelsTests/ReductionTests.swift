import Kernels
import Testing

extension KernelsTests {
  @Suite struct ReductionTests {
    private func canonical(_ x: [Float]) -> Float {
      var level = x
      while level.count > 1 {
        level = stride(from: 0, to: level.count, by: 2).map {
          $0 + 1 < level.count ? level[$0] + level[$0 + 1] : level[$0]
        }
      }
      return level[0]
    }

    @Test(arguments: InstructionSet.available, [1, 2, 3, 4, 5, 6, 7, 8, 11, 16, 17, 63, 64])
    func `The tree's bits are the canonical ones for any cut, also in place`(
      path: InstructionSet, n: Int
    ) {
      let count = 53
      var noise = Noise(n)
      let x = noise.floats(n * count)
      x.withUnsafeBufferPointer { x in
        guard let base = x.baseAddress else { return }
        let sources: [UnsafePointer<Float>?] = (0..<n).map { base + $0 * count }
        var (sum, parts, top) = (Array(x[..<count]), Array(x[..<count]), Array(x[..<count]))
        var work = WorkCounters()
        path.run {
          TreeReduction.sum(
            sources, sourceCount: n, into: &sum, range: 0..<count, counters: &work)
          for cut in cuts(count) {
            TreeReduction.sum(sources, sourceCount: n, into: &parts, range: cut, counters: &work)
          }
          TreeReduction.max(
            sources, sourceCount: n, into: &top, range: 0..<count, counters: &work)
          // In place on the last source, element by element.
          parts.withUnsafeMutableBufferPointer { parts in
            guard let out = parts.baseAddress else { return }
            out.update(from: base + (n - 1) * count, count: count)
            let inPlace = sources.dropLast() + [UnsafePointer(out)]
            TreeReduction.sum(
              Array(inPlace), sourceCount: n, into: out, range: 0..<count, counters: &work)
          }
        }
        for i in 0..<count {
          let column = (0..<n).map { x[$0 * count + i] }
          #expect(sum[i] == canonical(column))
          #expect(top[i] == column.max())
        }
        #expect(parts == sum)
        #expect(work == WorkCounters(elements: 4 * n * count))
      }
    }

    @Test(arguments: InstructionSet.available)
    func `The best token over shards is the lowest id of the largest logit`(path: InstructionSet) {
      let shards = (0..<3).map {
        LogitsShard(stride: 24, columns: 24, validColumns: $0 < 2 ? 24 : 0, firstColumn: 24 * $0)
      }
      var logits = [[Float]](repeating: [Float](repeating: -3, count: 24), count: 3)
      logits[0][5] = 1
      logits[1][21] = 2
      logits[1][23] = 2
      logits[2][0] = 9
      var work = WorkCounters()
      path.run {
        let best = zip(logits, shards).map { ArgMax($0, shard: $1, counters: &work) }
        #expect(best[0].token == 5)
        #expect(best[0].merged(with: best[1]).merged(with: best[2]).token == 24 + 21)
        #expect(best[2].merged(with: best[0]).merged(with: best[1]).token == 24 + 21)
        let tie = ArgMax(logits[0], shard: shards[1], counters: &work)
        #expect(tie.merged(with: best[0]).token == 5)
      }
      #expect(work == WorkCounters(elements: 3 * 24))
    }
  }
}
