import Glibc

/// One entry of a zip archive's central directory (PKWARE's APPNOTE 6.3, section 4.3.12).
struct ZipHeader {
  var name: String
  var crc: UInt32
  /// The size in the directory, not of the data.
  var byteCount: Int
  private var archive: String
  private var dataByteCount: UInt64
  private var localHeader: UInt64

  /// Reads the entry that `bytes` begin with.
  init(_ bytes: ArraySlice<UInt8>, archive: String) throws(CheckpointError) {
    let start = bytes.startIndex
    func wrong(_ entry: String?, _ expected: String) -> CheckpointError {
      .malformedArchive(file: archive, entry: entry, expected: expected)
    }
    func half(_ offset: Int) -> Int {
      bytes.littleEndian(UInt16.self, at: start + offset).map(Int.init) ?? 0
    }
    func word(_ offset: Int) -> UInt64 {
      bytes.littleEndian(UInt32.self, at: start + offset).map(UInt64.init) ?? 0
    }
    byteCount = 46 + half(28) + half(30) + half(32)
    guard bytes.count >= byteCount, word(0) == 0x0201_4b50 else {
      throw wrong(nil, "an entry at byte \(start) of its directory")
    }
    let nameEnd = start + 46 + half(28)
    guard let name = String(validating: bytes[start + 46..<nameEnd], as: UTF8.self) else {
      throw wrong(nil, "a UTF-8 name at byte \(start) of its directory")
    }
    guard half(8) & 1 == 0, half(10) == 0 else {
      throw wrong(name, "stored bytes, as torch.save writes them, neither compressed nor encrypted")
    }
    var sizes = [word(24), word(20), word(42)]
    let extra = bytes[nameEnd..<nameEnd + half(30)]
    guard Self.widen(&sizes, by: extra) else { throw wrong(name, "a Zip64 field of its sizes") }
    guard sizes[0] == sizes[1] else {
      throw wrong(name, "as many bytes as stored, \(sizes[1]), found \(sizes[0])")
    }
    self.name = name
    self.archive = archive
    crc = UInt32(word(16))
    dataByteCount = sizes[0]
    localHeader = sizes[2]
  }

  /// Takes from the Zip64 field each size that has no room in its own (section 4.5.3).
  private static func widen(_ sizes: inout [UInt64], by extra: ArraySlice<UInt8>) -> Bool {
    var field = extra
    while let id = field.littleEndian(UInt16.self, at: field.startIndex),
      let length = field.littleEndian(UInt16.self, at: field.startIndex + 2),
      field.count >= 4 + Int(length)
    {
      var values = field.dropFirst(4).prefix(Int(length))
      field = field.dropFirst(4 + Int(length))
      guard id == 1 else { continue }
      for index in sizes.indices where sizes[index] == 0xFFFF_FFFF {
        guard let value = values.littleEndian(UInt64.self, at: values.startIndex) else {
          return false
        }
        sizes[index] = value
        values = values.dropFirst(8)
      }
    }
    return true
  }

  /// Where the data is: behind the local header, whose name and fields have their own lengths.
  func dataRange(
    in file: FileDescriptor, before limit: Int
  ) throws(CheckpointError) -> Range<Int> {
    func wrong(_ expected: String) -> CheckpointError {
      .malformedArchive(file: archive, entry: name, expected: expected)
    }
    guard limit >= 30, localHeader <= UInt64(limit - 30) else {
      throw wrong("to lie before the directory, found it at byte \(localHeader)")
    }
    let local = try file.elements(UInt8.self, count: 30, at: Int(localHeader))
    guard local.littleEndian(UInt32.self, at: 0) == 0x0403_4b50 else {
      throw wrong("a local header at byte \(localHeader)")
    }
    let lengths = [26, 28].map { local.littleEndian(UInt16.self, at: $0).map(Int.init) ?? 0 }
    let start = Int(localHeader) + 30 + lengths[0] + lengths[1]
    guard start <= limit, dataByteCount <= UInt64(limit - start) else {
      throw wrong("to end before the directory, found \(dataByteCount) bytes at \(start)")
    }
    return start..<start + Int(dataByteCount)
  }
}
