/// One shape of C[M, N] = A[M, K] · B[K, N] on operands of 16 bits, by float32 products of blocks.
///
/// Blocks are widened into scratch memory, which costs 1 in some hundreds of the product's operations: for
/// float16, which no library multiplies on processors, and for bfloat16 where that is slower than float32
/// (`BFloat16Product.isFaster`). C is of the operands' format, or float32.
package final class WidenedProduct: Sendable {
  /// What sums are kept in between partial products.
  package enum Partials: Sendable {
    /// Float32, rounded once to the result.
    case single
    /// Float16: sums of 16 products along K are float32, and what they add up in is rounded to the
    /// nearest after each of them, in order. That is how an IPU's multipliers are taken to work; the
    /// order in which a compiler cuts K is its own. A step of the model `tiny` takes half as long again.
    case half
  }

  package let shape: HalfProductShape
  /// The operands'.
  package let format: ElementFormat
  package let partials: Partials
  private let backend: GEMMBackend
  private let block: (rows: Int, columns: Int, inner: Int)

  /// Products that an IPU's multipliers are taken to add up before they round: as many input channels
  /// as a half-precision unit of them has (64 multiply-adds a cycle: 4 x 16; our assumption).
  private static let depth = 16

  package init(
    _ shape: HalfProductShape, of format: ElementFormat, _ partials: Partials = .single,
    _ backend: GEMMBackend = .oneDNN
  ) {
    precondition(
      shape.rows > 0 && shape.columns > 0 && shape.inner > 0, "a product of nothing: \(shape)")
    self.shape = shape
    self.format = format
    self.partials = partials
    self.backend = backend
    // Blocks of both operands together fit a core's second cache (here of 2 MB): of the sizes tried,
    // the fastest over a step's products, by up to 9 % against an inner 1024.
    block = (
      Self.even(shape.rows, 512), Self.even(shape.columns, 1024), Self.even(shape.inner, 256)
    )
  }

  /// The largest of the fewest blocks of at most `most`, of as equal multiples of 16 as can be.
  private static func even(_ size: Int, _ most: Int) -> Int {
    let blocks = (size + most - 1) / most
    return min(size, ((size + blocks - 1) / blocks + 15) / 16 * 16)
  }

  /// Elements from one row of a block to the next.
  ///
  /// Rows a multiple of some kilobytes apart would share few places of a core's cache: products of two
  /// blocks are 2 to 5 % faster for the distance.
  private static func pitch(_ width: Int) -> Int { (width + 15) / 16 * 16 + 16 }

  /// Bytes that a product needs beside its operands: a block of each.
  package var scratchBytes: Int {
    (sumCount + leftCount + rightCount) * MemoryLayout<Float>.size
  }
  /// A float32 result is summed where it is.
  private var sumsInPlace: Bool { shape.result == .float32 }
  private var sumCount: Int { sumsInPlace ? 0 : (block.rows * block.columns + 15) / 16 * 16 }
  private var leftCount: Int {
    shape.transposesA
      ? block.inner * Self.pitch(block.rows) : block.rows * Self.pitch(block.inner)
  }
  private var rightCount: Int {
    shape.transposesB
      ? block.columns * Self.pitch(block.inner) : block.inner * Self.pitch(block.columns)
  }

  /// C (+)= A B on the calling thread; `scratch` is aligned to 64 bytes.
  ///
  /// Costs 2·M·N·K FLOPs, which it counts.
  package func multiply(
    _ left: UnsafeRawPointer, _ right: UnsafeRawPointer, into result: UnsafeMutableRawPointer,
    scratch: UnsafeMutableRawPointer, counters: inout WorkCounters
  ) {
    for row in stride(from: 0, to: shape.rows, by: block.rows) {
      for column in stride(from: 0, to: shape.columns, by: block.columns) {
        let rows = row..<min(row + block.rows, shape.rows)
        let columns = column..<min(column + block.columns, shape.columns)
        multiply(
          left, right, rows, columns, into: result,
          scratch.assumingMemoryBound(to: Float.self), &counters)
      }
    }
  }

  private func multiply(
    _ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ rows: Range<Int>, _ columns: Range<Int>,
    into result: UnsafeMutableRawPointer, _ scratch: UnsafeMutablePointer<Float>,
    _ counters: inout WorkCounters
  ) {
    let (a, b) = (scratch + sumCount, scratch + sumCount + leftCount)
    let target =
      result + (rows.lowerBound * shape.strideC + columns.lowerBound) * shape.result.bytes
    let sum = sumsInPlace ? target.assumingMemoryBound(to: Float.self) : scratch
    let sumStride = sumsInPlace ? shape.strideC : columns.count
    if shape.accumulates, !sumsInPlace {
      for row in 0..<rows.count {
        shape.result.widen(
          target + row * shape.strideC * shape.result.bytes, into: sum + row * columns.count,
          count: columns.count)
      }
    }
    for inner in stride(from: 0, to: shape.inner, by: block.inner) {
      let depth = inner..<min(inner + block.inner, shape.inner)
      let partOfA = shape.transposesA ? (depth, rows) : (rows, depth)
      // The first columns' is still there where it is the only one of its rows.
      if columns.lowerBound == 0 || block.inner < shape.inner {
        widen(left, shape.strideA, partOfA, into: a)
      }
      let partOfB = shape.transposesB ? (columns, depth) : (depth, columns)
      widen(right, shape.strideB, partOfB, into: b)
      addUp(
        MatrixOperand(a, stride: Self.pitch(partOfA.1.count), transposed: shape.transposesA),
        MatrixOperand(b, stride: Self.pitch(partOfB.1.count), transposed: shape.transposesB),
        (rows.count, columns.count, depth.count), into: sum, stride: sumStride,
        accumulates: shape.accumulates || inner > 0, &counters)
    }
    guard !sumsInPlace else { return }
    for row in 0..<rows.count {
      shape.result.narrow(
        sum + row * columns.count, into: target + row * shape.strideC * shape.result.bytes,
        count: columns.count)
    }
  }

  /// These stored rows and columns of an operand, packed.
  private func widen(
    _ matrix: UnsafeRawPointer, _ stride: Int, _ part: (rows: Range<Int>, columns: Range<Int>),
    into target: UnsafeMutablePointer<Float>
  ) {
    let width = part.columns.count
    for (index, row) in part.rows.enumerated() {
      format.widen(
        matrix + (row * stride + part.columns.lowerBound) * 2,
        into: target + index * Self.pitch(width), count: width)
    }
  }

  private func addUp(
    _ a: MatrixOperand, _ b: MatrixOperand, _ size: (rows: Int, columns: Int, inner: Int),
    into sum: UnsafeMutablePointer<Float>, stride sumStride: Int, accumulates: Bool,
    _ counters: inout WorkCounters
  ) {
    let depth = partials == .single ? size.inner : Self.depth
    for inner in stride(from: 0, to: size.inner, by: depth) {
      GEMM.multiply(
        a.dropping(a.transposed ? inner * a.stride : inner),
        b.dropping(b.transposed ? inner : inner * b.stride), into: sum, stride: sumStride,
        rows: size.rows, columns: size.columns, inner: min(depth, size.inner - inner),
        accumulate: accumulates || inner > 0, backend: backend, counters: &counters)
      guard partials == .half else { continue }
      for row in 0..<size.rows { format.round(sum + row * sumStride, count: size.columns) }
    }
  }
}

extension MatrixOperand {
  /// The same matrix without its first elements in memory.
  fileprivate func dropping(_ count: Int) -> MatrixOperand {
    MatrixOperand(start + count, stride: stride, transposed: transposed)
  }
}
