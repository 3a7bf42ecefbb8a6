import CKernels

/// Plain vector work; each function counts the elements it writes or sums up.
package enum Elementwise {
  /// out = a + b; out may be either.
  package static func add(
    _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, into out: UnsafeMutableRawPointer, count: Int,
    as format: ElementFormat = .float32, counters: inout WorkCounters
  ) {
    counters.elements += count
    ck_add(format.rawValue, a, b, out, count)
  }

  /// out = (a + b) + c; out may be any of them.
  package static func add(
    _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ c: UnsafeRawPointer,
    into out: UnsafeMutableRawPointer, count: Int, as format: ElementFormat = .float32,
    counters: inout WorkCounters
  ) {
    counters.elements += count
    ck_add3(format.rawValue, a, b, c, out, count)
  }

  /// out = x · factor; out may be x.
  package static func scale(
    _ x: UnsafeRawPointer, by factor: Float, into out: UnsafeMutableRawPointer, count: Int,
    as format: ElementFormat = .float32, counters: inout WorkCounters
  ) {
    counters.elements += count
    ck_scale(format.rawValue, x, factor, out, count)
  }

  /// out = x · factor on `width` columns of rows with different strides.
  package static func scale(
    _ x: UnsafeRawPointer, stride: Int, by factor: Float, into out: UnsafeMutableRawPointer,
    stride outStride: Int, rows: Int, width: Int, as format: ElementFormat = .float32,
    counters: inout WorkCounters
  ) {
    for row in 0..<rows {
      scale(
        x + row * stride * format.bytes, by: factor, into: out + row * outStride * format.bytes,
        count: width, as: format, counters: &counters)
    }
  }

  /// y += x · factor on `width` columns of rows with different strides.
  package static func addScaled(
    _ x: UnsafeRawPointer, stride: Int, by factor: Float, to y: UnsafeMutableRawPointer,
    stride yStride: Int, rows: Int, width: Int, as format: ElementFormat = .float32,
    counters: inout WorkCounters
  ) {
    counters.elements += rows * width
    ck_add_scaled(format.rawValue, y, yStride, x, stride, factor, rows, width)
  }

  package static func zero(
    _ x: UnsafeMutablePointer<Float>, count: Int, counters: inout WorkCounters
  ) {
    counters.elements += count
    ck_zero(x, count)
  }

  package static func copy(
    _ x: UnsafePointer<Float>, into out: UnsafeMutablePointer<Float>, count: Int,
    counters: inout WorkCounters
  ) {
    counters.elements += count
    ck_copy(x, out, count)
  }

  /// y += bias, of the format's `ofSums`, on the first `width` columns of the given rows.
  package static func addBias(
    _ bias: UnsafeRawPointer, to y: UnsafeMutableRawPointer, stride: Int,
    rows: Range<Int>, width: Int, as format: ElementFormat = .float32, counters: inout WorkCounters
  ) {
    counters.elements += rows.count * width
    ck_add_bias(format.rawValue, y, stride, bias, rows.lowerBound, rows.count, width)
  }

  /// dBias, of the format's `ofSums`, += column sums over all rows, for the given columns, in an order
  /// fixed by `rows`.
  package static func biasGradient(
    _ dy: UnsafeRawPointer, stride: Int, into dBias: UnsafeMutableRawPointer, rows: Int,
    columns: Range<Int>, as format: ElementFormat = .float32, counters: inout WorkCounters
  ) {
    counters.elements += rows * columns.count
    ck_bias_gradient(
      format.rawValue, dy, stride, dBias, rows, columns.lowerBound, columns.count)
  }

  /// The sum of squares in double, in a fixed order, the same bits on every instruction set.
  package static func sumOfSquares(
    _ x: UnsafeRawPointer, count: Int, as format: ElementFormat = .float32,
    counters: inout WorkCounters
  ) -> Double {
    counters.elements += count
    return ck_sum_of_squares(format.rawValue, x, count)
  }
}
