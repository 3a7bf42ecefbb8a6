/// Decodes Parquet's hybrid of runs and bit-packed groups (parquet-format, Encodings.md, RLE = 3).
struct RunLengthDecoder {
  private let bytes: [UInt8]
  private var index: Int
  private let end: Int
  private let bitWidth: Int

  /// `range` is all that there may be; its end need not be reached.
  init(_ bytes: [UInt8], in range: Range<Int>, bitWidth: Int) throws(ParquetProblem) {
    guard (0...32).contains(bitWidth) else {
      throw ParquetProblem("a page packs values of \(bitWidth) bits, expected at most 32")
    }
    self.bytes = bytes
    index = range.lowerBound
    end = range.upperBound
    self.bitWidth = bitWidth
  }

  /// The first `count` values; the caller has checked that they may be allocated.
  mutating func values(_ count: Int) throws(ParquetProblem) -> [UInt32] {
    var values: [UInt32] = []
    values.reserveCapacity(count)
    while values.count < count {
      let header = try varint()
      let left = count - values.count
      if header & 1 == 0 {
        let value = try littleEndian((bitWidth + 7) / 8)
        values.append(contentsOf: repeatElement(value, count: Int(min(header >> 1, UInt64(left)))))
      } else {
        try unpack(groups: header >> 1, atMost: left, into: &values)
      }
    }
    return values
  }

  /// Groups of eight values, the first in the lowest bits; the last may be padded, or cut at the end
  /// of the page.
  private mutating func unpack(
    groups: UInt64, atMost count: Int, into values: inout [UInt32]
  ) throws(ParquetProblem) {
    let used = Int(min(groups, UInt64((count + 7) / 8)))
    var (bits, bitCount): (UInt64, Int) = (0, 0)
    let mask = UInt64(1) << UInt64(bitWidth) - 1
    let start = index
    for _ in 0..<min(used * 8, count) {
      while bitCount < bitWidth {
        guard index < end else { throw ParquetProblem("a page ends in the middle of its values") }
        bits |= UInt64(bytes[index]) << UInt64(bitCount)
        index += 1
        bitCount += 8
      }
      values.append(UInt32(truncatingIfNeeded: bits & mask))
      bits >>= UInt64(bitWidth)
      bitCount -= bitWidth
    }
    index = min(end, start + used * bitWidth)
  }

  private mutating func littleEndian(_ count: Int) throws(ParquetProblem) -> UInt32 {
    guard count <= end - index else {
      throw ParquetProblem("a page ends in the middle of its values")
    }
    defer { index += count }
    return bytes[index..<(index + count)].reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }

  private mutating func varint() throws(ParquetProblem) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      guard index < end else { throw ParquetProblem("a page ends in the middle of its values") }
      let byte = bytes[index]
      index += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw ParquetProblem("a page has a run length of more than ten bytes")
  }
}
