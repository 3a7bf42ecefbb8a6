import Kernels
import Testing

extension KernelsTests {
  @Suite struct WidenedProductTests {
    /// A product's operands and its result in double.
    private struct Case {
      let shape: HalfProductShape
      let a, b, before: [Float16]
      let want: [Double]

      init(
        _ m: Int, _ n: Int, _ k: Int, transposesA: Bool = false, transposesB: Bool = false,
        accumulates: Bool = false, scale: Float = 1
      ) {
        var noise = Noise(m + n + k)
        let a = noise.floats(m * k, scale: scale).map { Float16($0) }
        let b = noise.floats(k * n, scale: scale).map { Float16($0) }
        let before = noise.floats(m * n).map { Float16($0) }
        (self.a, self.b, self.before) = (a, b, before)
        want = (0..<m * n).map { index in
          (0..<k).reduce(accumulates ? Double(before[index]) : 0) { sum, p in
            let left = a[transposesA ? p * m + index / n : index / n * k + p]
            let right = b[transposesB ? index % n * k + p : p * n + index % n]
            return sum + Double(left) * Double(right)
          }
        }
        shape = HalfProductShape(
          rows: m, columns: n, inner: k, transposesA: transposesA, transposesB: transposesB,
          strideA: transposesA ? m : k, strideB: transposesB ? k : n, strideC: n,
          result: .float16, accumulates: accumulates)
      }

      func product(
        _ partials: WidenedProduct.Partials, _ backend: GEMMBackend = .oneDNN
      ) -> [Float16] {
        let product = WidenedProduct(shape, of: .float16, partials, backend)
        let scratch = UnsafeMutableRawPointer.allocate(
          byteCount: product.scratchBytes, alignment: 64)
        defer { scratch.deallocate() }
        var (result, work) = (before, WorkCounters())
        product.multiply(a, b, into: &result, scratch: scratch, counters: &work)
        #expect(work.flops == 2 * shape.rows * shape.columns * shape.inner)
        return result
      }

      /// The mean square of the error.
      func error(_ partials: WidenedProduct.Partials) -> Double {
        zip(product(partials), want).reduce(0) {
          $0 + (Double($1.0) - $1.1) * (Double($1.0) - $1.1)
        }
          / Double(want.count)
      }
    }

    @Test(
      arguments: [(3, 5, 7), (48, 64, 33), (517, 30, 40), (20, 530, 1100)], GEMMBackend.allCases)
    func `products of every form are right to half their last place`(
      size: (m: Int, n: Int, k: Int), backend: GEMMBackend
    ) {
      for (transposesA, transposesB, accumulates) in [
        (false, false, false), (false, true, false), (true, false, true), (true, true, true),
        (false, true, true),
      ] {
        let one = Case(
          size.m, size.n, size.k, transposesA: transposesA, transposesB: transposesB,
          accumulates: accumulates)
        let got = one.product(.single, backend).map(Float.init)
        #expect(worst(got, one.want) < 0x1p-11 * 1.01, "\(transposesA) \(transposesB)")
      }
    }

    @Test(arguments: [(3, 5, 7), (20, 33, 100), (5, 520, 1030)], [false, true])
    func `half partials are rounded after each 16 terms`(
      size: (m: Int, n: Int, k: Int), accumulates: Bool
    ) {
      let (m, n, k) = size
      let one = Case(m, n, k, transposesB: true, accumulates: accumulates)
      var differing = 0
      for (index, got) in one.product(.half).enumerated() {
        var sum: Float16 = accumulates ? one.before[index] : 0
        for start in stride(from: 0, to: k, by: 16) {
          let part = (start..<min(start + 16, k)).reduce(0.0) {
            $0 + Double(one.a[index / n * k + $1]) * Double(one.b[index % n * k + $1])
          }
          sum = Float16(Double(sum) + part)
        }
        // Sums of 16 in float32 are rounded the other way now and then.
        if got != sum { differing += 1 }
      }
      #expect(differing <= m * n / 50)
    }

    @Test(arguments: [256, 4096])
    func `half partials are worse than single ones, the more the longer the sum`(inner: Int) {
      let one = Case(24, 24, inner)
      let (half, single) = (one.error(.half), one.error(.single))
      #expect(half > Double(inner) / 256 * 4 * single)
      #expect(half < Double(inner) * single)
    }

    @Test(arguments: [WidenedProduct.Partials.half, .single])
    func `a result beyond the range is infinite`(partials: WidenedProduct.Partials) {
      let one = Case(16, 16, 64, scale: 200)
      let got = one.product(partials)
      #expect(got.contains { $0.isInfinite })
      for (got, want) in zip(got, one.want) where abs(want) > 70_000 {
        // A sum that has once been infinite stays so, on whichever side.
        #expect(got.isInfinite && (partials == .half || (got > 0) == (want > 0)))
      }
    }
  }
}
