/// The upper half of a float32: its range, 8 bits of its precision.
package enum BFloat16 {
  /// Exact.
  package static func widen(
    _ source: UnsafePointer<UInt16>, into target: UnsafeMutablePointer<Float>, count: Int
  ) {
    for index in 0..<count { target[index] = Float(bitPattern: UInt32(source[index]) << 16) }
  }
}
