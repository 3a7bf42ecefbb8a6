import Glibc
import Kernels
import Testing

extension KernelsTests {
  @Suite struct CachedAttentionTests {
    private static let capacity = 48

    /// Rows of three sequences as one run might mix them: a prompt's chunk, single tokens, padding.
    private struct Mix {
      let kernel: CachedAttention
      let sequences = 3
      /// Tokens of each sequence, all of which are new rows.
      let lengths = [37, 1, 18]
      var width: Int { kernel.heads * kernel.headDim }

      /// Each row's place, sequences in turns of five tokens, a row without a token after each turn.
      var places: [Int32] {
        var places: [Int32] = []
        for turn in stride(from: 0, to: 37, by: 5) {
          for sequence in 0..<sequences {
            for position in turn..<min(max(turn, lengths[sequence]), turn + 5) {
              places.append(Int32(sequence * kernel.capacity + position))
            }
          }
          places.append(-1)
        }
        return places
      }
    }

    /// All rows appended, then attended for, cut as said.
    private func run(
      _ mix: Mix, _ qkv: [Float], cache: inout [Float], rows: [Range<Int>]
    ) -> (output: [Float], pairs: Int, work: WorkCounters) {
      let places = mix.places
      let scratch = UnsafeMutableRawPointer.allocate(
        byteCount: mix.kernel.scratchBytes, alignment: 64)
      defer { scratch.deallocate() }
      var output = [Float](repeating: .nan, count: places.count * mix.width)
      var work = WorkCounters()
      var pairs = 0
      for part in rows { mix.kernel.append(qkv, places: places, to: &cache, rows: part) }
      for part in rows {
        for head in 0..<mix.kernel.heads {
          pairs += mix.kernel.attend(
            qkv, cache: cache, places: places, into: &output, rows: part, head: head,
            scratch: scratch, counters: &work)
        }
      }
      return (output, pairs, work)
    }

    /// Softmax over the sequence's own earlier tokens, token by token in double; zeros for no token.
    private func reference(_ mix: Mix, _ qkv: [Float]) -> [Double] {
      let places = mix.places
      let (width, size) = (mix.width, mix.kernel.headDim)
      var output = [Double](repeating: 0, count: places.count * width)
      for (row, place) in places.enumerated() where place >= 0 {
        let sequence = Int(place) / mix.kernel.capacity
        let seen = places.indices.filter {
          places[$0] >= 0 && Int(places[$0]) / mix.kernel.capacity == sequence
            && places[$0] <= place
        }
        for head in 0..<mix.kernel.heads {
          /// A row's q (0), k (1) or v (2) of this head.
          func part(_ which: Int, of row: Int) -> [Double] {
            let start = (row * 3 + which) * width + head * size
            return doubles(Array(qkv[start..<start + size]))
          }
          let query = part(0, of: row)
          let scores = seen.map { dot(query, part(1, of: $0)) / Double(size).squareRoot() }
          let most = scores.max() ?? 0
          let weights = scores.map { exp($0 - most) }
          let sum = weights.reduce(0, +)
          let values = seen.map { part(2, of: $0) }
          for d in 0..<size {
            let column = values.map { $0[d] }
            output[row * width + head * size + d] = dot(weights, column) / sum
          }
        }
      }
      return output
    }

    @Test(
      arguments: InstructionSet.available, [(1, 4), (3, 5), (2, 16), (4, 24), (2, 64), (1, 256)])
    func `Mixed rows of several sequences see their own past and nothing else`(
      path: InstructionSet, shape: (heads: Int, headDim: Int)
    ) {
      let mix = Mix(
        kernel: CachedAttention(
          capacity: Self.capacity, heads: shape.heads, headDim: shape.headDim))
      let count = mix.places.count
      var noise = Noise(shape.headDim)
      let qkv = noise.floats(count * 3 * mix.width, scale: 2)
      // What an earlier prompt left must not be seen, however large.
      let stale = noise.floats(mix.sequences * mix.kernel.floatsPerSequence, scale: 100)
      path.run {
        var (one, other) = (stale, stale)
        let whole = run(mix, qkv, cache: &one, rows: [0..<count])
        let parts = run(mix, qkv, cache: &other, rows: cuts(count) + [count..<count])
        let single = run(mix, qkv, cache: &other, rows: (0..<count).map { $0..<$0 + 1 })
        #expect(whole.output == parts.output && whole.output == single.output)
        #expect(worst(whole.output, reference(mix, qkv)) < 2e-6)
        let pairs = mix.lengths.reduce(0) { $0 + $1 * ($1 + 1) / 2 } * shape.heads
        #expect(whole.pairs == pairs && single.pairs == pairs)
        #expect(whole.work == WorkCounters(flops: 4 * shape.headDim * pairs, elements: pairs))
      }
    }
  }
}
