internal import Glibc

/// Memory that a benchmark works on, filled with the same numbers in every process.
///
/// Large ones stand on huge pages of their own, as the emulator's arenas do: where 4 KiB pages land
/// in physical memory makes two processes of one binary differ by up to a tenth.
final class Buffer<Element: BitwiseCopyable> {
  let start: UnsafeMutablePointer<Element>
  let count: Int

  init(_ count: Int, _ value: (Int) -> Element) {
    self.count = count
    var bytes = max(1, count) * MemoryLayout<Element>.stride
    let isLarge = bytes >= 1 << 16
    let alignment = isLarge ? 1 << 21 : 64
    if isLarge { bytes = (bytes + alignment - 1) / alignment * alignment }
    let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: alignment)
    if isLarge { madvise(memory, bytes, MADV_HUGEPAGE) }
    start = memory.bindMemory(to: Element.self, capacity: count)
    for index in 0..<count { (start + index).initialize(to: value(index)) }
  }

  deinit { start.deallocate() }
}

extension Buffer<Float> {
  /// Numbers from -1 to 1.
  static func noise(_ count: Int, seed: Int = 1) -> Buffer {
    Buffer(count) { noiseValue($0, seed: seed) }
  }

  static func zeros(_ count: Int) -> Buffer { Buffer(count) { _ in 0 } }
}

extension Buffer<Int32> {
  /// Ids below `limit`.
  static func ids(_ count: Int, below limit: Int) -> Buffer {
    Buffer(count) { Int32(Int(bits($0, seed: 5) >> 33) % limit) }
  }
}

/// A number from -1 to 1 that depends on both alone.
func noiseValue(_ index: Int, seed: Int) -> Float {
  Float(bits(index, seed: seed) >> 40) / Float(1 << 23) - 1
}

/// SplitMix64's mixing function.
private func bits(_ index: Int, seed: Int) -> UInt64 {
  var bits = UInt64(truncatingIfNeeded: index &+ seed &* 1_000_003) &* 0x9E37_79B9_7F4A_7C15
  bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
  bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
  return bits ^ (bits >> 31)
}
