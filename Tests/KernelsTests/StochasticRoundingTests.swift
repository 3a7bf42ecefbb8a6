import Kernels
import Testing

extension KernelsTests {
  @Suite struct StochasticRoundingTests {
    private static func rounded(
      _ values: [Float], from first: Int = 0, step: Int = 1, stream: UInt64 = 7
    ) -> [UInt16] {
      var halves = [UInt16](repeating: 0, count: values.count)
      ElementFormat.bfloat16.narrow(
        values, into: &halves, first: first, count: values.count,
        rounding: StochasticRounding(seed: 3, step: step, stream: stream))
      return halves
    }

    private static func value(_ half: UInt16) -> Float { Float(bitPattern: UInt32(half) << 16) }

    @Test(arguments: InstructionSet.available)
    func `the mean of many roundings is the number`(path: InstructionSet) {
      let x: Float = 1.0031  // 0.397 of the way from 1 to the next bfloat16
      let count = 1 << 16
      let halves = path.run { Self.rounded([Float](repeating: x, count: count)) }
      #expect(Set(halves) == [0x3F80, 0x3F81])
      let up = Double(halves.count { $0 == 0x3F81 }) / Double(count)
      let chance = Double(x - 1) * 128
      // Five standard deviations.
      #expect(abs(up - chance) < 5 * (chance * (1 - chance) / Double(count)).squareRoot())
    }

    @Test(arguments: InstructionSet.available)
    func `what bfloat16 holds stays, and so do infinities and no-numbers`(path: InstructionSet) {
      let halves = (0...UInt16.max).map { $0 }
      let again = path.run { Self.rounded(halves.map(Self.value)) }
      for (half, other) in zip(halves, again) where half != other {
        #expect(Self.value(half).isNaN && other == half | 0x40)
      }
      let signalling = Float(bitPattern: 0x7F80_0001)
      #expect(Self.value(path.run { Self.rounded([signalling]) }[0]).isNaN)
    }

    @Test(arguments: InstructionSet.available)
    func `every path and every cut round alike`(path: InstructionSet) {
      var noise = Noise(11)
      let values = noise.floats(1000, scale: 3)
      let whole = InstructionSet.portable.run { Self.rounded(values) }
      #expect(path.run { Self.rounded(values) } == whole)
      for cut in [1, 16, 37, 128, 500, 999] {
        let parts = path.run {
          Self.rounded(Array(values[..<cut])) + Self.rounded(Array(values[cut...]), from: cut)
        }
        #expect(parts == whole, "cut at \(cut)")
      }
    }

    @Test func `steps and tensors draw other bits`() {
      let values = [Float](repeating: 1.0039, count: 256)
      let drawn = [
        Self.rounded(values), Self.rounded(values, step: 2), Self.rounded(values, stream: 8),
        Self.rounded(values, stream: 7 + 1 << 40), Self.rounded(values, from: 256),
      ]
      #expect(Set(drawn).count == drawn.count)
    }
  }
}
