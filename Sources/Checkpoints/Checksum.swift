import CZlib

/// The CRC-32 (ISO 3309, as in zip and gzip) of elements as they lie in a file.
func checksum(of elements: [some BitwiseCopyable]) -> UInt32 {
  elements.withUnsafeBytes { bytes in
    UInt32(
      truncatingIfNeeded: crc32_z(0, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count))
  }
}
