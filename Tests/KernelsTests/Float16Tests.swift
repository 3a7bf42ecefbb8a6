import CKernels
import Kernels
import Testing

private func widenedHalves(_ x: [UInt16]) -> [Float] { x.map { Float(Float16(bitPattern: $0)) } }
private func roundedToHalf(_ x: Float) -> UInt16 { Float16(x).bitPattern }

extension Noise {
  /// Numbers that float16 holds.
  fileprivate mutating func halves(_ count: Int, scale: Float = 1) -> [UInt16] {
    floats(count, scale: scale).map(roundedToHalf)
  }
}

extension KernelsTests {
  @Suite struct Float16Tests {
    @Test(arguments: InstructionSet.available)
    func `every float16 is widened exactly, and survives the way back`(path: InstructionSet) {
      let halves = (0...UInt16.max).map(\.self)
      var (floats, back) = ([Float](repeating: 7, count: halves.count), halves)
      path.run {
        // An odd start and end: whole vectors and tails.
        ElementFormat.float16.widen(halves, into: &floats, count: halves.count - 3)
        halves[(halves.count - 3)...].withUnsafeBytes {
          guard let start = $0.baseAddress else { return }
          var rest = [Float](repeating: 0, count: 3)
          ElementFormat.float16.widen(start, into: &rest, count: 3)
          floats.replaceSubrange((halves.count - 3)..., with: rest)
        }
        ElementFormat.float16.narrow(floats, into: &back, count: floats.count)
      }
      let exact = zip(floats, halves).allSatisfy { float, half in
        let want = Float(Float16(bitPattern: half))
        return want.isNaN ? float.isNaN : float.bitPattern == want.bitPattern
      }
      #expect(exact)
      let returned = zip(back, halves).allSatisfy { back, half in
        // A no-number that signals becomes a quiet one.
        back == half || Float16(bitPattern: half).isNaN && back == half | 0x200
      }
      #expect(returned)
    }

    @Test(arguments: InstructionSet.available)
    func `rounding is to the nearest, ties to even, for every exponent and every path`(
      path: InstructionSet
    ) {
      let tails: [UInt32] = [0, 1, 0xFFF, 0x1000, 0x1001, 0x1FFF, 0x2FFF, 0x3000, 0x7FFF, 0xFFFF]
      let values = (0..<UInt32(1 << 16)).flatMap { upper in
        tails.map { Float(bitPattern: upper << 16 | $0) }
      }
      var (halves, portable) = (
        [UInt16](repeating: 0, count: values.count), [UInt16](repeating: 1, count: values.count)
      )
      path.run { ElementFormat.float16.narrow(values, into: &halves, count: values.count) }
      InstructionSet.portable.run {
        ElementFormat.float16.narrow(values, into: &portable, count: values.count)
      }
      #expect((halves == portable) == true)
      let right = zip(values, halves).allSatisfy { value, half in
        value.isNaN ? Float16(bitPattern: half).isNaN : Float16(value).bitPattern == half
      }
      #expect(right)
    }

    @Test(arguments: InstructionSet.available, [1, 15, 16, 37, 1000])
    func `vector kernels are those of float32 on the same values, rounded once`(
      path: InstructionSet, count: Int
    ) {
      var noise = Noise(count)
      let (a, b, c) = (
        noise.halves(count, scale: 4), noise.halves(count), noise.halves(count, scale: 2)
      )
      let (x, y, z) = (widenedHalves(a), widenedHalves(b), widenedHalves(c))
      var work = WorkCounters()
      func compare(
        _ name: String, _ half: (inout [UInt16], inout WorkCounters) -> Void,
        _ full: (inout [Float], inout WorkCounters) -> Void
      ) {
        var (halves, floats) = (c, z)
        path.run {
          half(&halves, &work)
          full(&floats, &work)
        }
        #expect(halves == floats.map(roundedToHalf), "\(name)")
      }
      compare("gelu") {
        Gelu.forward(a, into: &$0, count: count, as: .float16, counters: &$1)
      } _: {
        Gelu.forward(x, into: &$0, count: count, counters: &$1)
      }
      compare("gelu gradient") {
        Gelu.backward(b, z: a, into: &$0, count: count, as: .float16, counters: &$1)
      } _: {
        Gelu.backward(y, z: x, into: &$0, count: count, counters: &$1)
      }
      compare("sum of three") {
        Elementwise.add(a, b, c, into: &$0, count: count, as: .float16, counters: &$1)
      } _: {
        Elementwise.add(x, y, z, into: &$0, count: count, counters: &$1)
      }
      compare("beyond the range") {
        Elementwise.scale(a, by: 1e5, into: &$0, count: count, as: .float16, counters: &$1)
      } _: {
        Elementwise.scale(x, by: 1e5, into: &$0, count: count, counters: &$1)
      }
      let dropout = Dropout(probability: 0.3, seed: 1, step: 2, site: 1, layer: 0, sequence: 3)
      compare("dropout") {
        dropout.apply(
          to: a, into: &$0, width: count, sequence: 5, rows: 0..<1, as: .float16, counters: &$1)
      } _: {
        dropout.apply(to: x, into: &$0, width: count, sequence: 5, rows: 0..<1, counters: &$1)
      }
      let squares = path.run {
        Elementwise.sumOfSquares(a, count: count, as: .float16, counters: &work)
      }
      #expect(squares == Elementwise.sumOfSquares(x, count: count, counters: &work))
    }

    @Test(arguments: InstructionSet.available, [(5, 37), (130, 64)])
    func `row kernels take gains, biases and sums in float16 too`(
      path: InstructionSet, size: (rows: Int, width: Int)
    ) {
      let (rows, width) = size
      var noise = Noise(rows * width)
      let (x, dy) = (noise.halves(rows * width, scale: 3), noise.halves(rows * width))
      let (gamma, beta) = (noise.halves(width), noise.halves(width))
      let ids = noise.integers(rows, in: 0..<9)
      var work = WorkCounters()
      var stats = [Float](repeating: 0, count: 2 * rows)
      var half = (y: x, dx: x, gamma: gamma, beta: beta, bias: beta, table: dy, biased: x)
      var full = (
        y: widenedHalves(x), dx: widenedHalves(x), gamma: widenedHalves(gamma),
        beta: widenedHalves(beta),
        bias: widenedHalves(beta), table: widenedHalves(dy), biased: widenedHalves(x)
      )
      let (xs, dys, gammas, betas) = (
        widenedHalves(x), widenedHalves(dy), widenedHalves(gamma), widenedHalves(beta)
      )
      let tableRows = min(9, rows)
      path.run {
        LayerNorm.forward(
          x, gamma: gamma, beta: beta, into: &half.y, stats: &stats, rows: 0..<rows, width: width,
          epsilon: 1e-5, as: .float16, counters: &work)
        LayerNorm.forward(
          xs, gamma: gammas, beta: betas, into: &full.y, stats: &stats, rows: 0..<rows,
          width: width, epsilon: 1e-5, counters: &work)
        LayerNorm.backward(
          dy, x: x, stats: stats, gamma: gamma, into: &half.dx, rows: 0..<rows, width: width,
          as: .float16, counters: &work)
        LayerNorm.backward(
          dys, x: xs, stats: stats, gamma: gammas, into: &full.dx, rows: 0..<rows, width: width,
          counters: &work)
        LayerNorm.parameterGradient(
          dy, x: x, stats: stats, dGamma: &half.gamma, dBeta: &half.beta, rows: rows,
          width: width, columns: 0..<width, as: .float16, counters: &work)
        LayerNorm.parameterGradient(
          dys, x: xs, stats: stats, dGamma: &full.gamma, dBeta: &full.beta, rows: rows,
          width: width, columns: 0..<width, counters: &work)
        Elementwise.biasGradient(
          dy, stride: width, into: &half.bias, rows: rows, columns: 0..<width, as: .float16,
          counters: &work)
        Elementwise.biasGradient(
          dys, stride: width, into: &full.bias, rows: rows, columns: 0..<width, counters: &work)
        Elementwise.addBias(
          beta, to: &half.biased, stride: width, rows: 1..<rows, width: width, as: .float16,
          counters: &work)
        Elementwise.addBias(
          betas, to: &full.biased, stride: width, rows: 1..<rows, width: width, counters: &work)
        Embedding.gradient(
          ids, dx: x, into: &half.table, tokens: rows, width: width, shard: 0..<tableRows,
          rows: 0..<tableRows, as: .float16, counters: &work)
      }
      // One token at a time: a sum in float16 is rounded after each.
      for (token, id) in ids.enumerated() where id < tableRows {
        for column in 0..<width {
          let place = Int(id) * width + column
          full.table[place] = Float(Float16(full.table[place] + xs[token * width + column]))
        }
      }
      #expect(half.y == full.y.map(roundedToHalf))
      #expect(half.dx == full.dx.map(roundedToHalf))
      #expect(
        half.gamma == full.gamma.map(roundedToHalf) && half.beta == full.beta.map(roundedToHalf))
      #expect(half.bias == full.bias.map(roundedToHalf))
      #expect(half.biased == full.biased.map(roundedToHalf))
      #expect(half.table == full.table.map(roundedToHalf))
    }

    @Test(arguments: InstructionSet.available)
    func `rotary, cross entropy and attention are those of float32, rounded where they write`(
      path: InstructionSet
    ) {
      let kernel = Attention(sequence: 33, heads: 2, headDim: 24)
      let (tokens, width) = (66, 48)
      var noise = Noise(8)
      let (qkv, dOutput) = (noise.halves(tokens * 3 * width), noise.halves(tokens * width))
      let logits = noise.halves(tokens * 56, scale: 8)
      let labels = noise.integers(tokens, in: 0..<53)
      let shard = LogitsShard(stride: 56, columns: 56, validColumns: 53, firstColumn: 0)
      var rotation = [Float](repeating: 0, count: Rotary.tableCount(sequence: 33, rotaryDim: 8))
      Rotary.fillTable(&rotation, sequence: 33, rotaryDim: 8)
      let scratch = UnsafeMutableRawPointer.allocate(
        byteCount: max(kernel.forwardScratchBytes, kernel.backwardScratchBytes), alignment: 64)
      defer { scratch.deallocate() }
      var work = WorkCounters()
      var half = (o: dOutput, lse: [Float](repeating: 0, count: tokens * 2), dqkv: qkv, r: qkv)
      var full = (
        o: widenedHalves(dOutput), lse: half.lse, dqkv: widenedHalves(qkv), r: widenedHalves(qkv)
      )
      var (halfLogits, fullLogits) = (logits, widenedHalves(logits))
      var max = [Float](repeating: 0, count: tokens)
      var (sum, label) = (max, max)
      path.run {
        for unit in 0..<4 {
          kernel.forward(
            qkv, into: &half.o, logSumExp: &half.lse, sequenceIndex: unit / 2, head: unit % 2,
            scratch: scratch, as: .float16, counters: &work)
          kernel.forward(
            widenedHalves(qkv), into: &full.o, logSumExp: &full.lse, sequenceIndex: unit / 2,
            head: unit % 2, scratch: scratch, counters: &work)
        }
        let output = widenedHalves(half.o)
        for unit in 0..<4 {
          kernel.backward(
            dOutput, qkv: qkv, output: half.o, logSumExp: half.lse, into: &half.dqkv,
            sequenceIndex: unit / 2, head: unit % 2, scratch: scratch, as: .float16,
            counters: &work)
          kernel.backward(
            widenedHalves(dOutput), qkv: widenedHalves(qkv), output: output, logSumExp: full.lse,
            into: &full.dqkv, sequenceIndex: unit / 2, head: unit % 2, scratch: scratch,
            counters: &work)
        }
        Rotary.apply(
          &half.r, stride: 3 * width, column: 0, heads: 2, headDim: 24, rotaryDim: 8,
          table: rotation, sequence: 33, rows: 0..<tokens, as: .float16, counters: &work)
        Rotary.apply(
          &full.r, stride: 3 * width, column: 0, heads: 2, headDim: 24, rotaryDim: 8,
          table: rotation, sequence: 33, rows: 0..<tokens, counters: &work)
        CrossEntropy.rowMax(
          logits, shard: shard, into: &max, rows: 0..<tokens, as: .float16, counters: &work)
        CrossEntropy.rowSums(
          logits, shard: shard, labels: labels, max: max, sum: &sum, labelLogit: &label,
          rows: 0..<tokens, as: .float16, counters: &work)
        CrossEntropy.backward(
          &halfLogits, shard: shard, labels: labels, max: max, sum: sum, scale: 64,
          rows: 0..<tokens, as: .float16, counters: &work)
        CrossEntropy.backward(
          &fullLogits, shard: shard, labels: labels, max: max, sum: sum, scale: 64,
          rows: 0..<tokens, counters: &work)
      }
      #expect(half.o == full.o.map(roundedToHalf) && half.lse == full.lse)
      #expect(half.dqkv == full.dqkv.map(roundedToHalf))
      #expect(half.r == full.r.map(roundedToHalf))
      // The label's own gradient is rounded before and after the one is taken off.
      #expect(worst(widenedHalves(halfLogits), fullLogits.map(Double.init)) < 1e-3)
      #expect(zip(halfLogits, fullLogits.map(roundedToHalf)).count { $0 != $1 } <= tokens)
    }
  }
}
