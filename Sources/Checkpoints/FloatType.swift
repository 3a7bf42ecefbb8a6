/// The floats that weights are written in; the names are torch's.
package enum FloatType: String, CaseIterable, Sendable {
  case float32, float16, bfloat16

  /// What a safetensors header calls it.
  var code: String {
    switch self {
    case .float32: "F32"
    case .float16: "F16"
    case .bfloat16: "BF16"
    }
  }

  var byteCount: Int { self == .float32 ? 4 : 2 }
}

extension FloatType {
  /// One element in 16 bits, to the nearest, ties to even; infinite beyond the type's range.
  package func bits(_ value: Float) -> UInt16 {
    if self == .float16 { return Float16(value).bitPattern }
    let bits = value.bitPattern
    // Half of the last place that stays, less one where that place is even already.
    return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
  }

  /// The number that 16 bits stand for.
  package func value(of bits: UInt16) -> Float {
    self == .float16
      ? Float(Float16(bitPattern: bits)) : Float(bitPattern: UInt32(bits) << 16)
  }

  /// The largest number that does not become infinite: below it, half of its last place added.
  var limit: Float {
    switch self {
    case .float32: .greatestFiniteMagnitude
    case .float16: 65_519.996
    case .bfloat16: Float(bitPattern: 0x7F7F_7FFF)
    }
  }
}
