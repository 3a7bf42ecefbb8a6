import Kernels
import Testing

extension KernelsTests {
  @Suite struct ElementwiseTests {
    @Test(arguments: InstructionSet.available, [1, 15, 16, 67])
    func `Sums, scale, copy and zero are exact and count their elements`(
      path: InstructionSet, count: Int
    ) {
      var noise = Noise(count)
      let (a, b, c) = (noise.floats(count), noise.floats(count), noise.floats(count))
      var out = a
      var work = WorkCounters()
      path.run {
        Elementwise.add(a, b, into: &out, count: count, counters: &work)
        #expect(out == zip(a, b).map { $0 + $1 })
        Elementwise.add(a, b, c, into: &out, count: count, counters: &work)
        #expect(out == a.indices.map { (a[$0] + b[$0]) + c[$0] })
        Elementwise.scale(a, by: 0.3, into: &out, count: count, counters: &work)
        #expect(out == a.map { $0 * 0.3 })
        Elementwise.copy(b, into: &out, count: count, counters: &work)
        #expect(out == b)
        Elementwise.zero(&out, count: count, counters: &work)
        #expect(out.allSatisfy { $0 == 0 })
      }
      #expect(work == WorkCounters(elements: 5 * count))
    }

    @Test(arguments: InstructionSet.available)
    func `The sum of squares has the same bits on every path`(path: InstructionSet) {
      var noise = Noise(9)
      let x = noise.floats(1003)
      var work = WorkCounters()
      let got = path.run { Elementwise.sumOfSquares(x, count: x.count, counters: &work) }
      let portable = InstructionSet.portable.run {
        Elementwise.sumOfSquares(x, count: x.count, counters: &work)
      }
      #expect(got == portable)
      #expect(abs(got - doubles(x).reduce(0) { $0 + $1 * $1 }) < 1e-12 * got)
    }

    @Test(arguments: InstructionSet.available, [3, 64, 77, 200])
    func `Bias is added to rows and its gradient is the column sum`(
      path: InstructionSet, width: Int
    ) {
      let (rows, stride) = (130, width + 5)
      var noise = Noise(width)
      let y = noise.floats(rows * stride)
      let bias = noise.floats(width)
      func run(_ rowCuts: [Range<Int>], _ columnCuts: [Range<Int>]) -> ([Float], [Float]) {
        var sum = y
        var gradient = bias
        var work = WorkCounters()
        for cut in rowCuts {
          Elementwise.addBias(
            bias, to: &sum, stride: stride, rows: cut, width: width, counters: &work)
        }
        for cut in columnCuts {
          Elementwise.biasGradient(
            y, stride: stride, into: &gradient, rows: rows, columns: cut, counters: &work)
        }
        #expect(work == WorkCounters(elements: 2 * rows * width))
        return (sum, gradient)
      }
      path.run {
        let (sum, gradient) = run([0..<rows], [0..<width])
        #expect(run(cuts(rows), cuts(width)) == (sum, gradient))
        #expect(
          sum == y.indices.map { $0 % stride < width ? y[$0] + bias[$0 % stride] : y[$0] })
        let want = (0..<width).map { c in
          (0..<rows).reduce(Double(bias[c])) { $0 + Double(y[$1 * stride + c]) }
        }
        #expect(worst(gradient, want) < 1e-6)
      }
    }
  }
}
