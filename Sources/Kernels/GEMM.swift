import CKernels
import COneDNN
import COpenBLAS
import Glibc

/// The library that multiplies matrices.
package enum GEMMBackend: String, CaseIterable, Sendable {
  case oneDNN = "onednn"
  case openBLAS = "openblas"
}

/// A row-major matrix in memory, read as it is or transposed.
///
/// It keeps the pointer and owns nothing: do not make one from an array by implicit conversion.
package struct MatrixOperand {
  package let start: UnsafePointer<Float>
  /// Floats from one stored row to the next.
  package let stride: Int
  package let transposed: Bool

  package init(_ start: UnsafePointer<Float>, stride: Int, transposed: Bool = false) {
    self.start = start
    self.stride = stride
    self.transposed = transposed
  }
}

/// Matrix products by a library, on the calling thread only.
package enum GEMM {
  /// Restricts both libraries to the calling thread.
  ///
  /// Every worker calls it once before its first product: OpenMP keeps the setting per thread,
  /// OpenBLAS per process.
  package static func prepareThread() {
    openblas_set_num_threads(1)
    // oneDNN brings its OpenMP with it; a build on another runtime lacks the symbol, and the need.
    guard let symbol = dlsym(nil, "omp_set_num_threads") else { return }
    unsafeBitCast(symbol, to: (@convention(c) (Int32) -> Void).self)(1)
  }

  /// Whether a kernel of our own, which reads a transposed B in place, takes so small a product.
  ///
  /// Both libraries pack both operands first, which pays where each packed element is used often: at
  /// 16 rows and K = 512 oneDNN reached 121 to 137 GFLOP/s of 280 on a Zen 5 core, reading in place
  /// 246; at 512 x 128 it was 253 against 225. The two met where M·N / (M + N) was about 48.
  private static func isSmall(rows m: Int, columns n: Int) -> Bool {
    1 / Double(m) + 1 / Double(n) >= 1.0 / 48
  }

  /// C[M, N] = A[M, K] · B[K, N], added to C if `accumulate`.
  ///
  /// Costs 2·M·N·K FLOPs, which it counts. An operand's stride is that of its stored rows. The order
  /// of summation is the library's. OpenBLAS' bits change when M or N is cut; oneDNN's did not in
  /// any shape tried, but do not promise it: cut by the plan, not by the number of workers.
  package static func multiply(
    _ a: MatrixOperand, _ b: MatrixOperand, into c: UnsafeMutablePointer<Float>, stride: Int,
    rows m: Int, columns n: Int, inner k: Int, accumulate: Bool = false,
    backend: GEMMBackend = .oneDNN, counters: inout WorkCounters
  ) {
    guard m > 0, n > 0 else { return }
    guard k > 0 else {
      if !accumulate { zero(c, stride: stride, rows: m, columns: n) }
      return
    }
    precondition(
      a.stride >= (a.transposed ? m : k) && b.stride >= (b.transposed ? k : n) && stride >= n,
      "GEMM: a stride is shorter than its row")
    counters.flops += 2 * m * n * k
    if backend == .oneDNN, !a.transposed, b.transposed, !accumulate, isSmall(rows: m, columns: n) {
      ck_few_rows(a.start, a.stride, b.start, b.stride, c, stride, m, n, k)
      return
    }
    let beta: Float = accumulate ? 1 : 0
    switch backend {
    case .oneDNN:
      let status = dnnl_sgemm(
        letter(a), letter(b), dnnl_dim_t(m), dnnl_dim_t(n), dnnl_dim_t(k), 1,
        a.start, dnnl_dim_t(a.stride), b.start, dnnl_dim_t(b.stride), beta, c, dnnl_dim_t(stride))
      precondition(status == dnnl_success, "dnnl_sgemm: status \(status.rawValue), \(m)x\(n)x\(k)")
    case .openBLAS:
      cblas_sgemm(
        CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans,
        b.transposed ? CblasTrans : CblasNoTrans, blasint(m), blasint(n), blasint(k), 1,
        a.start, blasint(a.stride), b.start, blasint(b.stride), beta, c, blasint(stride))
    }
  }

  private static func letter(_ operand: MatrixOperand) -> CChar {
    operand.transposed ? 84 : 78  // ASCII T, N
  }

  private static func zero(
    _ c: UnsafeMutablePointer<Float>, stride: Int, rows: Int, columns: Int
  ) {
    for row in 0..<rows { (c + row * stride).update(repeating: 0, count: columns) }
  }
}
