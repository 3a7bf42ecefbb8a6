import CKernels
import Kernels
import Testing

extension KernelsTests {
  @Suite struct FewRowsTests {
    private func product(
      _ a: [Float], _ w: [Float], rows: Range<Int>, columns: Range<Int>, n: Int, k: Int,
      into c: inout [Float]
    ) {
      a.withUnsafeBufferPointer { a in
        w.withUnsafeBufferPointer { w in
          c.withUnsafeMutableBufferPointer { c in
            guard let a = a.baseAddress, let w = w.baseAddress, let c = c.baseAddress else {
              return
            }
            ck_few_rows(
              a + rows.lowerBound * (k + 1), k + 1, w + columns.lowerBound * (k + 2), k + 2,
              c + rows.lowerBound * (n + 3) + columns.lowerBound, n + 3, rows.count, columns.count,
              k)
          }
        }
      }
    }

    @Test(
      arguments: InstructionSet.available,
      [(1, 1, 1), (1, 9, 64), (5, 7, 37), (6, 4, 16), (13, 21, 100), (50, 10, 33), (7, 5, 2100)])
    func `Any shape equals the double reference, and any cut of it has the same bits`(
      path: InstructionSet, shape: (m: Int, n: Int, k: Int)
    ) {
      let (m, n, k) = shape
      var noise = Noise(m * n + k)
      let a = noise.floats(m * (k + 1))
      let w = noise.floats(n * (k + 2))
      let untouched = noise.floats(m * (n + 3))
      var (whole, parts) = (untouched, untouched)
      path.run {
        product(a, w, rows: 0..<m, columns: 0..<n, n: n, k: k, into: &whole)
        for rows in cuts(m) {
          for columns in cuts(n) {
            product(a, w, rows: rows, columns: columns, n: n, k: k, into: &parts)
          }
        }
      }
      #expect(whole == parts)
      var want = doubles(untouched)
      for i in 0..<m {
        for j in 0..<n {
          let row = doubles(Array(a[i * (k + 1)..<i * (k + 1) + k]))
          let column = doubles(Array(w[j * (k + 2)..<j * (k + 2) + k]))
          want[i * (n + 3) + j] = dot(row, column)
        }
      }
      #expect(worst(whole, want) < 1e-6)
    }
  }
}
