import CKernels

/// Layer norm over rows of `width`; `stats` is [rows, 2] = mean and 1 / standard deviation.
///
/// Gains, biases and their gradients are of `ElementFormat.ofSums`. Every function counts rows x width
/// elements.
package enum LayerNorm {
  /// y = (x - mean) · rstd · gamma + beta for the given rows; keeps the statistics for backward.
  package static func forward(
    _ x: UnsafeRawPointer, gamma: UnsafeRawPointer, beta: UnsafeRawPointer,
    into y: UnsafeMutableRawPointer, stats: UnsafeMutablePointer<Float>, rows: Range<Int>,
    width: Int, epsilon: Float, as format: ElementFormat = .float32, counters: inout WorkCounters
  ) {
    counters.elements += rows.count * width
    ck_layer_norm_forward(
      format.rawValue, x, gamma, beta, y, stats, rows.lowerBound, rows.count, width, epsilon)
  }

  /// dx for the given rows; dx may be dy.
  package static func backward(
    _ dy: UnsafeRawPointer, x: UnsafeRawPointer, stats: UnsafePointer<Float>,
    gamma: UnsafeRawPointer, into dx: UnsafeMutableRawPointer, rows: Range<Int>,
    width: Int, as format: ElementFormat = .float32, counters: inout WorkCounters
  ) {
    counters.elements += rows.count * width
    ck_layer_norm_backward(
      format.rawValue, dy, x, stats, gamma, dx, rows.lowerBound, rows.count, width)
  }

  /// dgamma += and dbeta += for the given columns, over all rows, in an order fixed by `rows`.
  package static func parameterGradient(
    _ dy: UnsafeRawPointer, x: UnsafeRawPointer, stats: UnsafePointer<Float>,
    dGamma: UnsafeMutableRawPointer, dBeta: UnsafeMutableRawPointer, rows: Int,
    width: Int, columns: Range<Int>, as format: ElementFormat = .float32,
    counters: inout WorkCounters
  ) {
    counters.elements += rows * columns.count
    ck_layer_norm_parameter_gradient(
      format.rawValue, dy, x, stats, dGamma, dBeta, rows, width, columns.lowerBound, columns.count)
  }
}
