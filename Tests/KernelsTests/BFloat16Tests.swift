import CKernels
import Kernels
import Testing

/// Rounds to the nearest bfloat16, ties to even, by arithmetic on the bits.
private func rounded(_ x: Float) -> UInt16 {
  if x.isNaN { return UInt16(x.bitPattern >> 16) | 0x40 }
  let (upper, rest) = (x.bitPattern >> 16, x.bitPattern & 0xFFFF)
  let isUp = rest > 0x8000 || rest == 0x8000 && upper & 1 == 1
  return UInt16(upper + (isUp ? 1 : 0))
}

private func widened(_ x: [UInt16]) -> [Float] {
  x.map { Float(bitPattern: UInt32($0) << 16) }
}

extension KernelsTests {
  @Suite struct BFloat16Tests {
    /// Bfloat16 operands, and the same as floats.
    private struct Values {
      var noise: Noise
      init(_ seed: Int) { noise = Noise(seed) }
      mutating func halves(_ count: Int, scale: Float = 1) -> [UInt16] {
        noise.floats(count, scale: scale).map(rounded)
      }
    }

    @Test(arguments: InstructionSet.available)
    func `rounding is to the nearest, ties to even, for every exponent and every path`(
      path: InstructionSet
    ) {
      let tails: [UInt32] = [0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF]
      let values = (0..<UInt32(1 << 16)).flatMap { upper in
        tails.map { Float(bitPattern: upper << 16 | $0) }
      }
      var halves = [UInt16](repeating: 0, count: values.count)
      var back = [Float](repeating: 0, count: values.count)
      path.run {
        ElementFormat.bfloat16.narrow(values, into: &halves, count: values.count)
        ElementFormat.bfloat16.widen(halves, into: &back, count: values.count)
      }
      #expect(halves == values.map(rounded))
      #expect(back.map(\.bitPattern) == widened(halves).map(\.bitPattern))
    }

    @Test(arguments: InstructionSet.available, [1, 15, 16, 37, 1000])
    func `vector kernels are those of float32 on the same values, rounded once`(
      path: InstructionSet, count: Int
    ) {
      var values = Values(count)
      let (a, b, c) = (
        values.halves(count, scale: 4), values.halves(count), values.halves(count, scale: 2)
      )
      let (x, y, z) = (widened(a), widened(b), widened(c))
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
        #expect(halves == floats.map(rounded), "\(name)")
      }
      compare("gelu") {
        Gelu.forward(a, into: &$0, count: count, as: .bfloat16, counters: &$1)
      } _: {
        Gelu.forward(x, into: &$0, count: count, counters: &$1)
      }
      compare("gelu gradient") {
        Gelu.backward(b, z: a, into: &$0, count: count, as: .bfloat16, counters: &$1)
      } _: {
        Gelu.backward(y, z: x, into: &$0, count: count, counters: &$1)
      }
      compare("sum") {
        Elementwise.add(a, b, into: &$0, count: count, as: .bfloat16, counters: &$1)
      } _: {
        Elementwise.add(x, y, into: &$0, count: count, counters: &$1)
      }
      compare("sum of three") {
        Elementwise.add(a, b, c, into: &$0, count: count, as: .bfloat16, counters: &$1)
      } _: {
        Elementwise.add(x, y, z, into: &$0, count: count, counters: &$1)
      }
      compare("scaled") {
        Elementwise.scale(a, by: 0.3, into: &$0, count: count, as: .bfloat16, counters: &$1)
      } _: {
        Elementwise.scale(x, by: 0.3, into: &$0, count: count, counters: &$1)
      }
      compare("scaled sum") {
        Elementwise.addScaled(
          a, stride: count, by: 0.3, to: &$0, stride: count, rows: 1, width: count, as: .bfloat16,
          counters: &$1)
      } _: {
        Elementwise.addScaled(
          x, stride: count, by: 0.3, to: &$0, stride: count, rows: 1, width: count, counters: &$1)
      }
      let dropout = Dropout(probability: 0.3, seed: 1, step: 2, site: 1, layer: 0, sequence: 3)
      compare("dropout") {
        dropout.apply(
          to: a, into: &$0, width: count, sequence: 5, rows: 0..<1, as: .bfloat16, counters: &$1)
      } _: {
        dropout.apply(to: x, into: &$0, width: count, sequence: 5, rows: 0..<1, counters: &$1)
      }
    }

    @Test(arguments: InstructionSet.available, [(5, 37), (130, 64)])
    func `row kernels are those of float32 on the same values, rounded once`(
      path: InstructionSet, size: (rows: Int, width: Int)
    ) {
      let (rows, width) = size
      let count = rows * width
      var values = Values(count)
      let (x, dy) = (values.halves(count, scale: 3), values.halves(count))
      let (gamma, beta) = (values.noise.floats(width), values.noise.floats(width))
      let (xs, dys) = (widened(x), widened(dy))
      var work = WorkCounters()
      var half = (y: x, stats: [Float](repeating: 0, count: 2 * rows), dx: x)
      var full = (y: xs, stats: half.stats, dx: xs)
      var halfSums = (gamma: gamma, beta: beta, bias: beta)
      var fullSums = halfSums
      path.run {
        LayerNorm.forward(
          x, gamma: gamma, beta: beta, into: &half.y, stats: &half.stats, rows: 0..<rows,
          width: width, epsilon: 1e-5, as: .bfloat16, counters: &work)
        LayerNorm.forward(
          xs, gamma: gamma, beta: beta, into: &full.y, stats: &full.stats, rows: 0..<rows,
          width: width, epsilon: 1e-5, counters: &work)
        LayerNorm.backward(
          dy, x: x, stats: half.stats, gamma: gamma, into: &half.dx, rows: 0..<rows, width: width,
          as: .bfloat16, counters: &work)
        LayerNorm.backward(
          dys, x: xs, stats: full.stats, gamma: gamma, into: &full.dx, rows: 0..<rows,
          width: width, counters: &work)
        LayerNorm.parameterGradient(
          dy, x: x, stats: half.stats, dGamma: &halfSums.gamma, dBeta: &halfSums.beta, rows: rows,
          width: width, columns: 0..<width, as: .bfloat16, counters: &work)
        LayerNorm.parameterGradient(
          dys, x: xs, stats: full.stats, dGamma: &fullSums.gamma, dBeta: &fullSums.beta,
          rows: rows, width: width, columns: 0..<width, counters: &work)
        Elementwise.biasGradient(
          dy, stride: width, into: &halfSums.bias, rows: rows, columns: 0..<width, as: .bfloat16,
          counters: &work)
        Elementwise.biasGradient(
          dys, stride: width, into: &fullSums.bias, rows: rows, columns: 0..<width, counters: &work
        )
        Elementwise.addBias(
          beta, to: &half.y, stride: width, rows: 1..<rows, width: width, as: .bfloat16,
          counters: &work)
        full.y = widened(full.y.map(rounded))
        Elementwise.addBias(
          beta, to: &full.y, stride: width, rows: 1..<rows, width: width, counters: &work)
      }
      #expect(half.stats == full.stats)
      #expect(half.y == full.y.map(rounded))
      #expect(half.dx == full.dx.map(rounded))
      #expect(halfSums == fullSums)
    }

    @Test(arguments: InstructionSet.available)
    func `rotary, embedding and cross entropy are those of float32, rounded where they write`(
      path: InstructionSet
    ) {
      let (tokens, width, vocabulary) = (7, 40, 53)
      var values = Values(3)
      let qkv = values.halves(tokens * width, scale: 2)
      let logits = values.halves(tokens * 56, scale: 8)
      let table = values.halves(vocabulary * width)
      let ids = values.noise.integers(tokens, in: 0..<vocabulary)
      var labels = ids
      labels[2] = -1
      var rotation = [Float](repeating: 0, count: Rotary.tableCount(sequence: 4, rotaryDim: 8))
      Rotary.fillTable(&rotation, sequence: 4, rotaryDim: 8)
      let shard = LogitsShard(stride: 56, columns: 56, validColumns: vocabulary, firstColumn: 0)
      var work = WorkCounters()
      var (half, full) = (qkv, widened(qkv))
      var (halfRows, fullRows) = (qkv, widened(qkv))
      var halfSum = [Float](repeating: 1, count: vocabulary * width)
      var fullSum = halfSum
      var (halfLogits, fullLogits) = (logits, widened(logits))
      var one = (
        max: [Float](repeating: 0, count: tokens), sum: [Float](repeating: 0, count: tokens),
        label: [Float](repeating: 0, count: tokens)
      )
      var other = one
      path.run {
        Rotary.apply(
          &half, stride: width, column: 0, heads: 2, headDim: 20, rotaryDim: 8, table: rotation,
          sequence: 4, rows: 0..<tokens, as: .bfloat16, counters: &work)
        Rotary.apply(
          &full, stride: width, column: 0, heads: 2, headDim: 20, rotaryDim: 8, table: rotation,
          sequence: 4, rows: 0..<tokens, counters: &work)
        Embedding.gather(
          ids, table: table, into: &halfRows, tokens: 0..<tokens, width: width, shard: 0..<40,
          as: .bfloat16, counters: &work)
        Embedding.gather(
          ids, table: widened(table), into: &fullRows, tokens: 0..<tokens, width: width,
          shard: 0..<40, counters: &work)
        Embedding.gradient(
          ids, dx: qkv, into: &halfSum, tokens: tokens, width: width, shard: 0..<vocabulary,
          rows: 0..<vocabulary, as: .bfloat16, counters: &work)
        Embedding.gradient(
          ids, dx: widened(qkv), into: &fullSum, tokens: tokens, width: width,
          shard: 0..<vocabulary, rows: 0..<vocabulary, counters: &work)
        CrossEntropy.rowMax(
          halfLogits, shard: shard, into: &one.max, rows: 0..<tokens, as: .bfloat16,
          counters: &work)
        CrossEntropy.rowMax(
          fullLogits, shard: shard, into: &other.max, rows: 0..<tokens, counters: &work)
        CrossEntropy.rowSums(
          halfLogits, shard: shard, labels: labels, max: one.max, sum: &one.sum,
          labelLogit: &one.label, rows: 0..<tokens, as: .bfloat16, counters: &work)
        CrossEntropy.rowSums(
          fullLogits, shard: shard, labels: labels, max: other.max, sum: &other.sum,
          labelLogit: &other.label, rows: 0..<tokens, counters: &work)
        CrossEntropy.backward(
          &halfLogits, shard: shard, labels: labels, max: one.max, sum: one.sum, scale: 0.5,
          rows: 0..<tokens, as: .bfloat16, counters: &work)
        CrossEntropy.backward(
          &fullLogits, shard: shard, labels: labels, max: other.max, sum: other.sum, scale: 0.5,
          rows: 0..<tokens, counters: &work)
      }
      #expect(half == full.map(rounded))
      #expect(halfRows == fullRows.map(rounded))
      #expect(halfSum == fullSum)
      #expect(one == other)
      // The label's own gradient is rounded before and after the one is taken off.
      #expect(worst(widened(halfLogits), fullLogits.map(Double.init)) < 0.005)
      #expect(zip(halfLogits, fullLogits.map(rounded)).count { $0 != $1 } <= tokens)
    }

    @Test(
      arguments: InstructionSet.available.filter { $0 != .avx512BFloat16Products },
      [(33, 24), (64, 64), (70, 7)])
    func `attention is that of float32 on the same values, rounded once`(
      path: InstructionSet, size: (sequence: Int, headDim: Int)
    ) {
      let kernel = Attention(sequence: size.sequence, heads: 2, headDim: size.headDim)
      let (tokens, width) = (2 * size.sequence, 2 * size.headDim)
      var values = Values(size.sequence)
      let (qkv, dOutput) = (values.halves(tokens * 3 * width), values.halves(tokens * width))
      let scratch = UnsafeMutableRawPointer.allocate(
        byteCount: max(kernel.forwardScratchBytes, kernel.backwardScratchBytes), alignment: 64)
      defer { scratch.deallocate() }
      var work = WorkCounters()
      var half = (o: dOutput, lse: [Float](repeating: 0, count: tokens * 2), dqkv: qkv)
      var full = (o: widened(dOutput), lse: half.lse, dqkv: widened(qkv))
      path.run {
        for unit in 0..<4 {
          kernel.forward(
            qkv, into: &half.o, logSumExp: &half.lse, sequenceIndex: unit / 2, head: unit % 2,
            scratch: scratch, as: .bfloat16, counters: &work)
          kernel.forward(
            widened(qkv), into: &full.o, logSumExp: &full.lse, sequenceIndex: unit / 2,
            head: unit % 2, scratch: scratch, counters: &work)
        }
        let output = widened(half.o)
        for unit in 0..<4 {
          kernel.backward(
            dOutput, qkv: qkv, output: half.o, logSumExp: half.lse, into: &half.dqkv,
            sequenceIndex: unit / 2, head: unit % 2, scratch: scratch, as: .bfloat16,
            counters: &work)
          kernel.backward(
            widened(dOutput), qkv: widened(qkv), output: output, logSumExp: full.lse,
            into: &full.dqkv, sequenceIndex: unit / 2, head: unit % 2, scratch: scratch,
            counters: &work)
        }
      }
      #expect(half.o == full.o.map(rounded))
      #expect(half.lse == full.lse)
      #expect(half.dqkv == full.dqkv.map(rounded))
    }

    @Test(arguments: InstructionSet.available, [1, 16, 45])
    func `weights in two halves are updated as whole ones are, bit for bit`(
      path: InstructionSet, count: Int
    ) {
      var values = Values(count)
      var whole = (
        w: values.noise.floats(count), m: values.noise.floats(count, scale: 0.1),
        v: values.noise.floats(count).map(abs)
      )
      var halves = (m: whole.m, v: whole.v)
      var upper = whole.w.map { UInt16(($0.bitPattern + 0x8000) >> 16) }
      var lower = zip(whole.w, upper).map {
        Int16(truncatingIfNeeded: $0.bitPattern &- UInt32($1) << 16)
      }
      var work = WorkCounters()
      for step in 1...5 {
        let gradient = values.noise.floats(count)
        let adamW = AdamW(
          learningRate: 1e-5, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, step: step)
        path.run {
          adamW.update(
            weights: &whole.w, firstMoment: &whole.m, secondMoment: &whole.v, gradient: gradient,
            count: count, counters: &work)
          adamW.update(
            weights: &upper, low: &lower, firstMoment: &halves.m, secondMoment: &halves.v,
            gradient: gradient, count: count, counters: &work)
        }
      }
      let joined = zip(upper, lower).map { UInt32($0) << 16 &+ UInt32(bitPattern: Int32($1)) }
      #expect(joined == whole.w.map(\.bitPattern))
      #expect(halves.m == whole.m && halves.v == whole.v)
    }

    @Test(
      arguments: [
        (3, 5, 7), (48, 64, 33), (129, 70, 300), (20, 30, 9001),
      ], [false, true])
    func `products of every form are right to their result's precision`(
      size: (m: Int, n: Int, k: Int), accumulates: Bool
    ) {
      let (m, n, k) = size
      var values = Values(m + n + k)
      let (a, b) = (values.halves(m * k), values.halves(k * n))
      let (x, y) = (widened(a), widened(b))
      for (transposesA, transposesB) in [
        (false, false), (false, true), (true, false), (true, true),
      ] {
        for result in [ElementFormat.float32, .bfloat16] {
          let before = values.halves(m * n)
          let want = (0..<m * n).map { index in
            (0..<k).reduce(accumulates ? Double(widened(before)[index]) : 0) { sum, p in
              let left = x[transposesA ? p * m + index / n : index / n * k + p]
              let right = y[transposesB ? index % n * k + p : p * n + index % n]
              return sum + Double(left) * Double(right)
            }
          }
          let shape = HalfProductShape(
            rows: m, columns: n, inner: k, transposesA: transposesA, transposesB: transposesB,
            strideA: transposesA ? m : k, strideB: transposesB ? k : n, strideC: n,
            result: result, accumulates: accumulates)
          func expect(
            _ name: String, scratchBytes: Int,
            _ multiply: (
              UnsafeMutableRawPointer, UnsafeMutableRawPointer, inout WorkCounters
            ) -> Void
          ) {
            let scratch = UnsafeMutableRawPointer.allocate(
              byteCount: max(64, scratchBytes), alignment: 64)
            defer { scratch.deallocate() }
            var work = WorkCounters()
            var (halves, floats) = (before, widened(before))
            if result == .float32 {
              multiply(&floats, scratch, &work)
            } else {
              multiply(&halves, scratch, &work)
              floats = widened(halves)
            }
            #expect(work.flops == 2 * m * n * k)
            #expect(
              worst(floats, want) < (result == .float32 ? 1e-5 : 4.1e-3),
              "\(name) \(transposesA) \(transposesB) \(result)")
          }
          for backend in GEMMBackend.allCases {
            let wide = WidenedProduct(shape, of: .bfloat16, .single, backend)
            expect("widened \(backend)", scratchBytes: wide.scratchBytes) {
              wide.multiply(a, b, into: $0, scratch: $1, counters: &$2)
            }
          }
          guard BFloat16Product.isSupported else { continue }
          let product = BFloat16Product(shape)
          expect("as it is", scratchBytes: product.scratchBytes) {
            product.multiply(a, b, into: $0, scratch: $1, counters: &$2)
          }
        }
      }
    }
  }
}
