import CZlib
import Glibc

/// The files in a zip archive as torch writes it: stored, not compressed, with Zip64 where large.
///
/// Sizes, offsets and CRC come from the central directory: torch leaves them zero in front of the
/// files. Not libzip: its `zip_open` took 31 s and 580 MB for a hostile archive of 110 MB with two
/// million entries (1.7.3), before its caller can refuse; it sees no overlap and shares no handle
/// between threads.
final class ZipArchive: Sendable {
  struct Entry: Equatable {
    /// Where the file's bytes are in the archive.
    var range: Range<Int>
    var crc: UInt32
  }

  let path: String
  let entries: [String: Entry]
  private let descriptor: FileDescriptor

  /// Reads the central directory and every local header, and checks them against each other.
  ///
  /// - Throws: `CheckpointError` for a compressed, encrypted, repeated or overlapping entry, one
  ///   beyond the file, and for a directory over 16 MiB, which has room for 150,000 tensors.
  init(_ descriptor: FileDescriptor) throws(CheckpointError) {
    self.descriptor = descriptor
    path = descriptor.path
    let directory = try Self.directory(of: descriptor)
    let bytes = try descriptor.elements(
      UInt8.self, count: directory.count, at: directory.lowerBound)
    var position = 0
    var entries: [String: Entry] = [:]
    while position < bytes.count {
      let header = try ZipHeader(bytes[position...], archive: path)
      position += header.byteCount
      let entry = Entry(
        range: try header.dataRange(in: descriptor, before: directory.lowerBound), crc: header.crc)
      guard entries.updateValue(entry, forKey: header.name) == nil else {
        throw .malformedArchive(file: path, entry: header.name, expected: "each name once")
      }
    }
    self.entries = entries
    try checkOverlaps()
  }

  /// Reads a part of a file; when `sum` has followed it from its start, its end is checked by CRC.
  func read(
    _ part: Range<Int>, of name: String, into bytes: UnsafeMutableRawBufferPointer,
    _ sum: inout Checksum
  ) throws(CheckpointError) {
    guard let entry = entries[name], part.upperBound <= entry.range.count else {
      throw .malformedArchive(
        file: path, entry: name, expected: "\(part.upperBound) bytes at least")
    }
    try descriptor.read(into: bytes, at: entry.range.lowerBound + part.lowerBound)
    // Without bytes there is no address, by which zlib means another call.
    guard part.lowerBound == sum.byteCount, !part.isEmpty else { return }
    let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    sum.crc = UInt32(crc32_z(UInt(sum.crc), start, bytes.count))
    sum.byteCount = part.upperBound
    guard sum.byteCount < entry.range.count || sum.crc == entry.crc else {
      throw .malformedArchive(
        file: path, entry: name, expected: "bytes of its CRC; the file is damaged")
    }
  }

  /// A whole small file.
  func contents(of name: String, limit: Int) throws(CheckpointError) -> [UInt8] {
    let count = entries[name]?.range.count ?? 0
    guard count <= limit else {
      throw .malformedArchive(
        file: path, entry: name, expected: "at most \(limit) bytes, found \(count)")
    }
    var sum = Checksum()
    return try filled(count) { bytes throws(CheckpointError) in
      try read(0..<count, of: name, into: bytes, &sum)
    }
  }

  private func checkOverlaps() throws(CheckpointError) {
    var end = 0
    for (name, entry) in entries.sorted(by: {
      $0.value.range.lowerBound < $1.value.range.lowerBound
    }) {
      guard entry.range.lowerBound >= end else {
        throw .malformedArchive(file: path, entry: name, expected: "no overlap with another entry")
      }
      end = entry.range.upperBound
    }
  }
}

/// Finding the central directory (PKWARE's APPNOTE 6.3, sections 4.3.14 to 4.3.16).
extension ZipArchive {
  private static let directoryByteLimit = 1 << 24

  private static func directory(
    of descriptor: FileDescriptor
  ) throws(CheckpointError) -> Range<Int> {
    let size = try descriptor.size()
    // The end record has 22 bytes and a comment of at most 65,535.
    let start = max(0, size - 22 - 65_535)
    let tail = try descriptor.elements(UInt8.self, count: size - start, at: start)
    func wrong(_ expected: String) -> CheckpointError {
      .malformedArchive(file: descriptor.path, entry: nil, expected: expected)
    }
    guard let end = endRecord(in: tail) else {
      throw wrong("a zip directory at its end; the file is cut off or no zip archive")
    }
    var byteCount = UInt64(tail.littleEndian(UInt32.self, at: end + 12) ?? 0)
    var offset = UInt64(tail.littleEndian(UInt32.self, at: end + 16) ?? 0)
    if tail.littleEndian(UInt32.self, at: end - 20) == 0x0706_4b50 {
      let place = tail.littleEndian(UInt64.self, at: end - 12) ?? 0
      guard size >= 56, place <= size - 56 else { throw wrong("a Zip64 record within the file") }
      let record = try descriptor.elements(UInt8.self, count: 56, at: Int(place))
      guard record.littleEndian(UInt32.self, at: 0) == 0x0606_4b50 else {
        throw wrong("a Zip64 record at byte \(place)")
      }
      byteCount = record.littleEndian(UInt64.self, at: 40) ?? 0
      offset = record.littleEndian(UInt64.self, at: 48) ?? 0
    }
    guard byteCount <= directoryByteLimit else {
      throw wrong("a zip directory of at most \(directoryByteLimit) bytes, found \(byteCount)")
    }
    guard offset <= size, byteCount <= UInt64(size) - offset else {
      throw wrong("a zip directory within the file, found \(byteCount) bytes at \(offset)")
    }
    return Int(offset)..<Int(offset + byteCount)
  }

  /// Where the last record is whose comment ends with the file.
  private static func endRecord(in tail: [UInt8]) -> Int? {
    stride(from: tail.count - 22, through: 0, by: -1).first { index in
      tail[index] == 0x50 && tail.littleEndian(UInt32.self, at: index) == 0x0605_4b50
        && tail.littleEndian(UInt16.self, at: index + 20).map(Int.init) == tail.count - index - 22
    }
  }
}
