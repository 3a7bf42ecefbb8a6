/// Numbers in bytes from a file, in its own order.
extension Collection where Element == UInt8, Index == Int {
  /// The number whose bytes begin at `index`; nil when they are not all there.
  func littleEndian<Number: FixedWidthInteger & UnsignedInteger>(
    _ type: Number.Type, at index: Int
  ) -> Number? {
    let size = MemoryLayout<Number>.size
    guard index >= startIndex, index <= endIndex - size else { return nil }
    return (0..<size).reduce(0) { $0 | Number(self[index + $1]) << (8 * $1) }
  }
}
