import Kernels

extension KernelCall {
  /// C[M, N] = A·B; with a transposed A, as weight gradients are, it is added to C in float32.
  static func product(
    m: Int, n: Int, k: Int, transposesA: Bool = false, transposesB: Bool = false,
    as format: ElementFormat = .float32, backend: GEMMBackend = .oneDNN
  ) -> KernelCall {
    GEMM.prepareThread()
    let a = Elements(noise: m * k, format)
    let b = Elements(noise: k * n, seed: 2, format)
    let c = Elements(zeros: m * n, transposesA ? .float32 : format)
    let (strideA, strideB) = (transposesA ? m : k, transposesB ? k : n)
    var call = KernelCall(
      bytes: a.bytes + b.bytes + c.bytes,
      run: format == .float32
        ? { counters in
          GEMM.multiply(
            MatrixOperand(a.floatStart, stride: strideA, transposed: transposesA),
            MatrixOperand(b.floatStart, stride: strideB, transposed: transposesB),
            into: c.floatStart, stride: n, rows: m, columns: n, inner: k, accumulate: transposesA,
            backend: backend, counters: &counters)
        }
        : halfProduct(
          a, b, c, backend,
          HalfProductShape(
            rows: m, columns: n, inner: k, transposesA: transposesA, transposesB: transposesB,
            strideA: strideA, strideB: strideB, strideC: n, result: c.format,
            accumulates: transposesA)))
    call.results = { [c.values] }
    call.exact = {
      [ProductReference(a, b, m: m, n: n, k: k, transposesA, transposesB).product]
    }
    if !transposesB {
      // Of sum(dY · (X Wᵀ)) by X or by W: the product is what stands beside it.
      let reference = ProductReference(a, b, m: m, n: n, k: k, transposesA, transposesB)
      call.gradient = Gradient(
        point: Elements(noise: m * n, seed: 3, format).doubles, function: reference.sum
      ) { c.values }
    }
    return call
  }

  private static func halfProduct(
    _ a: Elements, _ b: Elements, _ c: Elements, _ backend: GEMMBackend,
    _ shape: HalfProductShape
  ) -> (inout WorkCounters) -> Void {
    let product = HalfProduct(shape, of: a.format, .single, backend)
    let scratch = Buffer<UInt8>(max(1, product.scratchBytes)) { _ in 0 }
    return {
      product.multiply(a.start, b.start, into: c.start, scratch: scratch.start, counters: &$0)
    }
  }
}

extension Elements {
  var floatStart: UnsafeMutablePointer<Float> {
    precondition(format == .float32, "not floats")
    return start.assumingMemoryBound(to: Float.self)
  }
}

/// A·B in double.
private struct ProductReference {
  private let (m, n, k): (Int, Int, Int)
  /// A as [M, K] and B as [K, N], however they are stored.
  private let a, b: [Double]

  init(
    _ a: Elements, _ b: Elements, m: Int, n: Int, k: Int, _ transposesA: Bool,
    _ transposesB: Bool
  ) {
    (self.m, self.n, self.k) = (m, n, k)
    self.a = transposesA ? Self.transposed(a.doubles, rows: k, columns: m) : a.doubles
    self.b = transposesB ? Self.transposed(b.doubles, rows: n, columns: k) : b.doubles
  }

  private static func transposed(_ x: [Double], rows: Int, columns: Int) -> [Double] {
    (0..<columns).flatMap { column in (0..<rows).map { x[$0 * columns + column] } }
  }

  var product: [Double] {
    (0..<m).flatMap { row in
      (0..<n).map { column in
        (0..<k).reduce(0) { $0 + a[row * k + $1] * b[$1 * n + column] }
      }
    }
  }

  /// The sum over A of A · (P Bᵀ), for P[M, N].
  func sum(_ p: [Double]) -> Double {
    var total = 0.0
    for row in 0..<m {
      for inner in 0..<k {
        var dot = 0.0
        for column in 0..<n { dot += p[row * n + column] * b[inner * n + column] }
        total += a[row * k + inner] * dot
      }
    }
    return total
  }
}
