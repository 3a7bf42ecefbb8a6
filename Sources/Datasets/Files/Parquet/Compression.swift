import CSnappy
import CZlib
import CZstd

/// How the pages of a column are compressed.
enum Compression {
  case none, snappy, gzip, zstd

  /// By its number in parquet.thrift.
  init(number: Int) throws(ParquetProblem) {
    switch number {
    case 0: self = .none
    case 1: self = .snappy
    case 2: self = .gzip
    case 6: self = .zstd
    default:
      let names = [3: "LZO", 4: "BROTLI", 5: "LZ4", 7: "LZ4_RAW"]
      throw ParquetProblem(
        "the compression \(names[number] ?? "\(number)") is not read; "
          + "expected none, SNAPPY, GZIP or ZSTD")
    }
  }

  /// Exactly `size` bytes; the caller has checked that they may be allocated.
  func decompress(_ bytes: ArraySlice<UInt8>, size: Int) throws(ParquetProblem) -> [UInt8] {
    if case .none = self, bytes.count == size { return Array(bytes) }
    // Writers leave a page without values empty rather than compress nothing.
    if bytes.isEmpty, size == 0 { return [] }
    var done = -1
    let result = [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
      bytes.withUnsafeBytes { source in
        done = decompress(source, into: UnsafeMutableRawBufferPointer(buffer))
      }
      initialized = max(0, done)
    }
    guard done == size else {
      throw ParquetProblem("a page does not decompress to the \(size) bytes that it should have")
    }
    return result
  }

  /// How many bytes came out, -1 for an error.
  private func decompress(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) -> Int {
    switch self {
    case .none: return -1
    case .snappy:
      let text = source.bindMemory(to: CChar.self).baseAddress
      var length = 0
      guard snappy_uncompressed_length(text, source.count, &length) == SNAPPY_OK,
        length == target.count,
        snappy_uncompress(
          text, source.count, target.bindMemory(to: CChar.self).baseAddress, &length) == SNAPPY_OK
      else { return -1 }
      return length
    case .gzip: return inflate(source, into: target)
    case .zstd:
      let length = ZSTD_decompress(
        target.baseAddress, target.count, source.baseAddress, source.count)
      return ZSTD_isError(length) == 0 ? length : -1
    }
  }

  /// Gzip or zlib, whichever it is, in as many members as there are.
  private func inflate(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) -> Int {
    guard let input = UInt32(exactly: source.count), let output = UInt32(exactly: target.count)
    else { return -1 }
    var stream = z_stream()
    let size = Int32(MemoryLayout<z_stream>.size)
    // 32: by the header; 15: the largest window.
    guard inflateInit2_(&stream, 32 + 15, zlibVersion(), size) == Z_OK else { return -1 }
    defer { inflateEnd(&stream) }
    stream.next_in = UnsafeMutablePointer(
      mutating: source.bindMemory(to: UInt8.self).baseAddress)
    stream.avail_in = input
    stream.next_out = target.bindMemory(to: UInt8.self).baseAddress
    stream.avail_out = output
    while true {
      guard CZlib.inflate(&stream, Z_FINISH) == Z_STREAM_END else { return -1 }
      if stream.avail_in == 0 { return target.count - Int(stream.avail_out) }
      guard inflateReset(&stream) == Z_OK else { return -1 }
    }
  }
}
