import Kernels
import Testing

extension KernelsTests {
  @Suite struct ColumnsTests {
    @Test(arguments: InstructionSet.available, [1, 16, 37])
    func `Scaled columns move between strides, touch nothing else and count their elements`(
      path: InstructionSet, width: Int
    ) {
      let (rows, narrow, wide, first) = (5, width + 2, width + 9, 4)
      var noise = Noise(width)
      let (x, y) = (noise.floats(rows * narrow), noise.floats(rows * wide))
      var (sum, part) = (y, x)
      var work = WorkCounters()
      path.run {
        sum.withUnsafeMutableBufferPointer { sum in
          guard let start = sum.baseAddress else { return }
          Elementwise.addScaled(
            x, stride: narrow, by: 0.3, to: start + first, stride: wide, rows: rows, width: width,
            counters: &work)
        }
        y.withUnsafeBufferPointer { y in
          guard let start = y.baseAddress else { return }
          Elementwise.scale(
            start + first, stride: wide, by: 0.3, into: &part, stride: narrow, rows: rows,
            width: width, counters: &work)
        }
      }
      #expect(work == WorkCounters(elements: 2 * rows * width))
      for row in 0..<rows {
        for column in 0..<wide {
          let added = column - first
          let old = y[row * wide + column]
          let want =
            (0..<width).contains(added)
            ? Double(old) + 0.3 * Double(x[row * narrow + added])
            : Double(old)
          // A path may fuse the product and the sum.
          #expect(abs(Double(sum[row * wide + column]) - want) <= 1e-6 * max(1, abs(want)))
        }
        for column in 0..<narrow {
          let want =
            column < width ? y[row * wide + first + column] * 0.3 : x[row * narrow + column]
          #expect(part[row * narrow + column] == want)
        }
      }
    }

    @Test func `Widening a bfloat16 gives the float32 with the same upper half`() {
      let bits: [UInt16] = [0, 0x8000, 0x3F80, 0xC049, 0x7F80, 0x0001]
      var values = [Float](repeating: 7, count: bits.count)
      ElementFormat.bfloat16.widen(bits, into: &values, count: bits.count)
      #expect(values == [0, -0.0, 1, -3.140625, .infinity, Float(bitPattern: 0x10000)])
      #expect(values[1].sign == .minus)
    }
  }
}
