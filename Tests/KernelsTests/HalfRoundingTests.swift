import Kernels
import Testing

private func value(_ bits: UInt16, _ format: ElementFormat) -> Double {
  format == .float16
    ? Double(Float16(bitPattern: bits)) : Double(Float(bitPattern: UInt32(bits) << 16))
}

extension KernelsTests {
  @Suite struct HalfRoundingTests {
    @Test(
      arguments: [
        (ElementFormat.float16, [1.0002, -3.0007, 0.1, 1e-5, 3.1e-6, 2.1e-8, -1.3e-8, 6.103e-5]),
        (.bfloat16, [1.0002, -3.0007, 0.1, 1e-5, 1e-30, 3e38]),
      ] as [(ElementFormat, [Float])], InstructionSet.available)
    func `a number becomes one of its two neighbours, and in the mean stays what it is`(
      format: (ElementFormat, [Float]), path: InstructionSet
    ) {
      let (format, numbers) = format
      let count = 1 << 18
      for (stream, number) in numbers.enumerated() {
        let values = [Float](repeating: number, count: count)
        var halves = [UInt16](repeating: 0, count: count)
        path.run {
          format.narrow(
            values, into: &halves, first: 5, count: count,
            rounding: StochasticRounding(seed: 1, step: 2, stream: UInt64(stream)))
        }
        let found = Set(halves).map { value($0, format) }.sorted()
        #expect(found.count == 2)
        let (low, high) = (found[0], found[found.count - 1])
        #expect(low <= Double(number) && Double(number) <= high)
        let mean = halves.reduce(0) { $0 + value($1, format) } / Double(count)
        // Five standard deviations of the mean of so many draws, at most a half each.
        #expect(abs(mean - Double(number)) < 5 * 0.5 * (high - low) / Double(count).squareRoot())
      }
    }

    @Test(arguments: [ElementFormat.float16, .bfloat16])
    func `what the format holds stays, and all paths and cuts draw alike`(format: ElementFormat) {
      let rounding = StochasticRounding(seed: 3, step: 1, stream: 9)
      var halves = (0...UInt16.max).map(\.self)
      halves.removeAll { value($0, format).isNaN }
      var exact = [Float](repeating: 0, count: halves.count)
      format.widen(halves, into: &exact, count: halves.count)
      var noise = Noise(1)
      // All sizes that matter to float16, down to nothing of it.
      let rough = noise.floats(3000).enumerated().map {
        $1 * Float(sign: .plus, exponent: 16 - $0 % 60, significand: 1)
      }
      var reference = [UInt16](repeating: 0, count: rough.count)
      InstructionSet.portable.run {
        format.narrow(rough, into: &reference, first: 0, count: rough.count, rounding: rounding)
      }
      for path in InstructionSet.available {
        var stayed = [UInt16](repeating: 1, count: halves.count)
        var cut = [UInt16](repeating: 1, count: rough.count)
        path.run {
          format.narrow(exact, into: &stayed, first: 77, count: exact.count, rounding: rounding)
          for part in cuts(rough.count) {
            var piece = [UInt16](repeating: 0, count: part.count)
            format.narrow(
              Array(rough[part]), into: &piece, first: part.lowerBound, count: part.count,
              rounding: rounding)
            cut.replaceSubrange(part, with: piece)
          }
        }
        #expect((stayed == halves) == true, "\(path)")
        #expect((cut == reference) == true, "\(path)")
      }
    }

    @Test(arguments: InstructionSet.available, [true, false])
    func `small updates of float16 weights are lost to the nearest and kept at random`(
      path: InstructionSet, isRandom: Bool
    ) {
      let (count, steps, rate) = (5000, 60, 1e-5)
      var weights = [Float16](repeating: 0.75, count: count)
      var m = [Float](repeating: 0, count: count)
      var v = m
      var room = m
      let gradient = [Float](repeating: 1, count: count)
      var work = WorkCounters()
      path.run {
        for step in 1...steps {
          let adamW = AdamW(
            learningRate: rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0,
            step: step)
          adamW.update(
            halves: &weights, firstMoment: &m, secondMoment: &v, gradient: gradient, first: 0,
            count: count,
            rounding: isRandom ? StochasticRounding(seed: 0, step: step, stream: 4) : nil,
            room: &room, counters: &work)
        }
      }
      #expect(work.elements == count * steps)
      let moved = 0.75 - weights.reduce(0) { $0 + Double($1) } / Double(count)
      // With a gradient of one sign each step is the rate; a place of 0.75 is 49 of them.
      if isRandom {
        #expect(abs(moved / (rate * Double(steps)) - 1) < 0.05)
      } else {
        #expect(moved == 0)
      }
    }

    @Test func `blocks of an update in 16 bits are those of one in float32`() {
      let count = 5003
      var noise = Noise(5)
      let gradient = noise.floats(count).map { Float16($0) }
      let start = noise.floats(count).map { Float16($0) }
      var (halves, m, v) = (start, noise.floats(count, scale: 0.1), noise.floats(count).map(abs))
      var whole = (w: start.map(Float.init), m: m, v: v)
      let adamW = AdamW(
        learningRate: 1e-2, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, step: 3)
      var work = WorkCounters()
      adamW.update(
        weights: &whole.w, firstMoment: &whole.m, secondMoment: &whole.v,
        gradient: gradient.map(Float.init), count: count, counters: &work)
      var scratch = [Float](repeating: 0, count: AdamW.blockScratch)
      halves.withUnsafeMutableBytes { weights in
        guard let weights = weights.baseAddress else { return }
        adamW.updateBlocks(
          firstMoment: &m, secondMoment: &v, moments: .float32, gradient: gradient,
          as: .float16, first: 0, count: count,
          rounding: StochasticRounding(seed: 0, step: 3, stream: 1), scratch: &scratch
        ) { block, m, v, g, room in
          adamW.update(
            halves: weights + block.lowerBound * 2, firstMoment: m, secondMoment: v, gradient: g,
            first: block.lowerBound, count: block.count, rounding: nil, room: room,
            counters: &work)
        }
      }
      #expect((m == whole.m) == true && (v == whole.v) == true)
      #expect((halves == whole.w.map { Float16($0) }) == true)
    }
  }
}
