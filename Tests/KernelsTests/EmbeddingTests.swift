import Kernels
import Testing

extension KernelsTests {
  @Suite struct EmbeddingTests {
    let width = 19
    let tokens = 60
    let shard = 5..<12

    @Test func `Shards gather their own ids and zero the others`() {
      var noise = Noise(2)
      let ids = noise.integers(tokens, in: 0..<20)
      let table = noise.floats(shard.count * width)
      var out = [Float](repeating: .nan, count: tokens * width)
      var work = WorkCounters()
      for cut in cuts(tokens) {
        Embedding.gather(
          ids, table: table, into: &out, tokens: cut, width: width, shard: shard, counters: &work)
      }
      for (token, id) in ids.enumerated() {
        let row = Int(id) - shard.lowerBound
        for j in 0..<width {
          #expect(
            out[token * width + j] == (shard.contains(Int(id)) ? table[row * width + j] : 0))
        }
      }
      #expect(work == WorkCounters(elements: tokens * width))
    }

    @Test(arguments: InstructionSet.available)
    func `The gradient adds tokens in order, whatever the cut of rows`(path: InstructionSet) {
      var noise = Noise(2)
      let ids = noise.integers(tokens, in: 0..<20)
      let dx = noise.floats(tokens * width)
      let start = noise.floats(shard.count * width)
      var want = start
      var hits = 0
      for (token, id) in ids.enumerated() where shard.contains(Int(id)) {
        hits += 1
        let row = Int(id) - shard.lowerBound
        for j in 0..<width { want[row * width + j] += dx[token * width + j] }
      }
      path.run {
        for rows in [[0..<shard.count], cuts(shard.count)] {
          var got = start
          var work = WorkCounters()
          for cut in rows {
            Embedding.gradient(
              ids, dx: dx, into: &got, tokens: tokens, width: width, shard: shard, rows: cut,
              counters: &work)
          }
          #expect(got == want)
          #expect(work == WorkCounters(elements: hits * width))
        }
      }
    }
  }
}
