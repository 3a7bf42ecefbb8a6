import CXXHash

/// 128 bits of XXH3 that stand for the bytes: not against an attacker, but against mistakes.
struct Digest: Hashable, Sendable {
  let low: UInt64
  let high: UInt64

  init(low: UInt64, high: UInt64) {
    self.low = low
    self.high = high
  }

  init(_ bytes: UnsafeRawBufferPointer) {
    let hash = XXH3_128bits(bytes.baseAddress, bytes.count)
    self.init(low: hash.low64, high: hash.high64)
  }

  /// Of several parts: where one ends and the next begins counts too.
  init(parts: [String]) {
    let bytes = parts.flatMap { Array("\($0.utf8.count):\($0)".utf8) }
    self = bytes.withUnsafeBytes { Digest($0) }
  }

  /// 32 hexadecimal digits.
  var text: String {
    [high, low].map { number in
      let digits = String(number, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }
}
