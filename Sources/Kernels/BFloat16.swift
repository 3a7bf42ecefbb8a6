import CKernels

/// The upper half of a float32: its range, 8 bits of its precision.
package enum BFloat16 {
  /// Exact.
  package static func widen(
    _ source: UnsafePointer<UInt16>, into target: UnsafeMutablePointer<Float>, count: Int
  ) {
    ck_widen(source, target, count)
  }

  /// Rounded to the nearest, ties to even; a no-number stays one.
  package static func narrow(
    _ source: UnsafePointer<Float>, into target: UnsafeMutablePointer<UInt16>, count: Int
  ) {
    ck_narrow(source, target, count)
  }

  /// Rounded up or down with the chances that make the mean the number itself.
  ///
  /// Both are elements `first ..< first + count` of a tensor: however it is cut, it is rounded alike.
  package static func narrow(
    _ source: UnsafePointer<Float>, into target: UnsafeMutablePointer<UInt16>, first: Int,
    count: Int, rounding: StochasticRounding
  ) {
    withUnsafePointer(to: rounding.value) {
      ck_narrow_stochastic(source, target, first, count, $0)
    }
  }
}
