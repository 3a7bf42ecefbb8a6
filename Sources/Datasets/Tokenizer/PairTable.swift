/// A map from adjacent pairs of ids to values; several times as fast as a `Dictionary`.
///
/// Open addressing, at most half full; ids must not be negative. The hash is drawn anew for each
/// table, so that no file can be made whose pairs all meet in one place.
struct PairTable<Value> {
  private(set) var count = 0
  private var slots: [(key: UInt64, value: Value)]
  private var shift: UInt64
  private let multiplier = UInt64.random(in: 0 ... .max) | 1
  private let none: Value

  /// `none` fills the empty slots.
  init(none: Value, minimumCapacity: Int = 8) {
    let bits = UInt64(UInt.bitWidth - max(2 * minimumCapacity, 16).leadingZeroBitCount)
    self.none = none
    shift = 64 - bits
    slots = Array(repeating: (Self.empty, none), count: 1 << Int(bits))
  }

  /// The value of a pair, or `none`.
  subscript(_ left: Int32, _ right: Int32) -> Value {
    slots[index(of: Self.key(left, right))].value
  }

  /// Changes the value of a pair, from `none` if it has none yet.
  mutating func update(_ left: Int32, _ right: Int32, _ change: (inout Value) -> Void) {
    let key = Self.key(left, right)
    var index = index(of: key)
    if slots[index].key == Self.empty {
      count += 1
      if 2 * count > slots.count {
        grow()
        index = self.index(of: key)
      }
      slots[index].key = key
    }
    change(&slots[index].value)
  }

  /// The slot of a key, or the empty one where it would be.
  private func index(of key: UInt64) -> Int {
    // The high bits of the product depend on all bits of the key.
    var index = Int(truncatingIfNeeded: (key &* multiplier) >> shift)
    while slots[index].key != key, slots[index].key != Self.empty {
      index = (index + 1) & (slots.count - 1)
    }
    return index
  }

  private mutating func grow() {
    let old = slots
    shift -= 1
    slots = Array(repeating: (Self.empty, none), count: 2 * old.count)
    for slot in old where slot.key != Self.empty { slots[index(of: slot.key)] = slot }
  }

  private static var empty: UInt64 { .max }

  private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }
}

extension PairTable: Sendable where Value: Sendable {}
