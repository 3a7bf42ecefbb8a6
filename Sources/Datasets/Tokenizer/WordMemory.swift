/// The ids of short words that were met, each in the one slot that its bytes choose.
///
/// A newcomer takes the slot of whoever holds it, so that the memory never grows: frequent words
/// come back at once. Words of more than 15 bytes or 4 ids are not kept.
struct WordMemory: Sendable {
  private struct Word {
    var key: UInt128 = 0
    /// Filled up with -1.
    var ids = SIMD4<Int32>(repeating: -1)
  }

  private var words: [Word]
  private let shift: UInt64

  /// Slots are of 32 bytes; `log2` says how many there are.
  init(slots log2: UInt64) {
    words = Array(repeating: Word(), count: 1 << Int(log2))
    shift = 64 - log2
  }

  /// The key of `text[range]`: its bytes, and their count in the highest byte.
  static func key(_ text: Span<UInt8>, _ range: Range<Int>) -> UInt128? {
    guard range.count < 16 else { return nil }
    let count = UInt128(range.count)
    if range.lowerBound + 16 <= text.count {
      let bytes = text.bytes.unsafeLoadUnaligned(
        fromByteOffset: range.lowerBound, as: UInt128.self)
      return UInt128(littleEndian: bytes) & ((1 << (8 * count)) - 1) | count << 120
    }
    var bytes: UInt128 = 0
    for index in range.reversed() { bytes = bytes << 8 | UInt128(text[index]) }
    return bytes | count << 120
  }

  /// Appends the ids of a word; false when it is not remembered.
  func append(_ key: UInt128, to ids: inout [Int32]) -> Bool {
    let word = words[slot(of: key)]
    guard word.key == key else { return false }
    ids.append(word.ids[0])
    for index in 1..<4 where word.ids[index] >= 0 { ids.append(word.ids[index]) }
    return true
  }

  mutating func remember(_ key: UInt128, _ ids: ArraySlice<Int32>) {
    guard ids.count <= 4 else { return }
    var word = Word(key: key)
    for (index, id) in ids.enumerated() { word.ids[index] = id }
    words[slot(of: key)] = word
  }

  private func slot(of key: UInt128) -> Int {
    // Two odd multipliers: the golden ratio's, and one of MurmurHash3's.
    let low = UInt64(truncatingIfNeeded: key) &* 0x9E37_79B9_7F4A_7C15
    let high = UInt64(truncatingIfNeeded: key >> 64) &* 0xC2B2_AE3D_27D4_EB4F
    return Int(truncatingIfNeeded: (((low ^ low >> 32) &+ high) &* 0x9E37_79B9_7F4A_7C15) >> shift)
  }
}
