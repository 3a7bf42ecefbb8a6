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
}
