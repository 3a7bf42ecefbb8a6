/// Bits of bfloat16 numbers, as frozen weights are stored.
enum BFloat16 {
  /// Rounds to the nearest, ties to even; what is not finite stays so.
  static func bits(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    guard value.isFinite else { return UInt16(bits >> 16) | (value.isNaN ? 0x40 : 0) }
    return UInt16((bits + 0x7FFF + (bits >> 16) & 1) >> 16)
  }

  static func value(_ bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }
}
