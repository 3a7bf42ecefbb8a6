import Dispatch
import Kernels
import Testing

extension KernelsTests {
  @Suite struct GEMMTests {
    @Test(arguments: GEMMBackend.allCases, [(1, 1, 1), (37, 24, 128), (33, 5, 8), (24, 40, 70)])
    func `All transposes, strides and accumulation equal the double reference`(
      backend: GEMMBackend, shape: (m: Int, n: Int, k: Int)
    ) {
      GEMM.prepareThread()
      let (m, n, k) = shape
      var noise = Noise(m + n + k)
      for (aT, bT, accumulate) in [
        (false, false, false), (false, true, true), (true, false, true), (true, true, false),
      ] {
        let aStride = (aT ? m : k) + 3
        let bStride = (bT ? k : n) + 1
        let cStride = n + 2
        let a = noise.floats((aT ? k : m) * aStride)
        let b = noise.floats((bT ? n : k) * bStride)
        var c = noise.floats(m * cStride)
        var want = doubles(c)
        for i in 0..<m {
          for j in 0..<n {
            var sum = accumulate ? want[i * cStride + j] : 0
            for p in 0..<k {
              sum +=
                Double(aT ? a[p * aStride + i] : a[i * aStride + p])
                * Double(bT ? b[j * bStride + p] : b[p * bStride + j])
            }
            want[i * cStride + j] = sum
          }
        }
        var work = WorkCounters()
        withOperands(a, b) { a, b in
          GEMM.multiply(
            MatrixOperand(a, stride: aStride, transposed: aT),
            MatrixOperand(b, stride: bStride, transposed: bT), into: &c, stride: cStride, rows: m,
            columns: n, inner: k, accumulate: accumulate, backend: backend, counters: &work)
        }
        #expect(worst(c, want) < 1e-6, "transposed \(aT) \(bT)")
        #expect(work == WorkCounters(flops: 2 * m * n * k))
      }
    }

    @Test(arguments: GEMMBackend.allCases)
    func `An empty inner dimension clears or leaves the result`(backend: GEMMBackend) {
      let a: [Float] = [1]
      var c: [Float] = [1, 2, 3, 4]
      var work = WorkCounters()
      withOperands(a, a) { a, _ in
        let operand = MatrixOperand(a, stride: 2)
        GEMM.multiply(
          operand, operand, into: &c, stride: 2, rows: 2, columns: 2, inner: 0, accumulate: true,
          backend: backend, counters: &work)
        #expect(c == [1, 2, 3, 4])
        GEMM.multiply(
          operand, operand, into: &c, stride: 2, rows: 2, columns: 1, inner: 0, backend: backend,
          counters: &work)
        #expect(c == [0, 2, 0, 4])
      }
      #expect(work == WorkCounters())
    }

    @Test(arguments: GEMMBackend.allCases)
    func `Several threads at once get the bits of one thread`(backend: GEMMBackend) {
      let (m, n, k) = (96, 40, 128)
      var noise = Noise(5)
      let a = noise.floats(m * k)
      let b = noise.floats(n * k)
      @Sendable func product() -> [Float] {
        GEMM.prepareThread()
        var c = [Float](repeating: 0, count: m * n)
        var work = WorkCounters()
        withOperands(a, b) { a, b in
          GEMM.multiply(
            MatrixOperand(a, stride: k), MatrixOperand(b, stride: k, transposed: true), into: &c,
            stride: n, rows: m, columns: n, inner: k, backend: backend, counters: &work)
        }
        return c
      }
      let want = product()
      DispatchQueue.concurrentPerform(iterations: 8) { _ in
        for _ in 0..<50 { #expect(product() == want) }
      }
    }
  }
}

/// Both arrays as pointers that stay valid during `body`, which operands must not outlive.
private func withOperands(
  _ a: [Float], _ b: [Float], _ body: (UnsafePointer<Float>, UnsafePointer<Float>) -> Void
) {
  a.withUnsafeBufferPointer { a in
    b.withUnsafeBufferPointer { b in
      guard let a = a.baseAddress, let b = b.baseAddress else { return }
      body(a, b)
    }
  }
}
