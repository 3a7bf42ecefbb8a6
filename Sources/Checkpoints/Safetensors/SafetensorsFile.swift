import Glibc

/// A safetensors file, opened and checked; tensors are read when they are asked for.
///
/// Reads with `pread` rather than a memory map: a file that is truncated while it is read then
/// is an error and not a signal. Numbers are little-endian, as on every machine Swift has.
package final class SafetensorsFile: TensorFile {
  /// Hundreds of times the header of GPT-J 6B; the format allows 100 MB (`MAX_HEADER_SIZE`), whose
  /// names would take minutes.
  private static let headerByteLimit = 1 << 24

  package let path: String
  private let descriptor: FileDescriptor
  private let header: SafetensorsHeader
  /// Where the data begins in the file.
  private let dataOffset: Int

  /// Opens the file and checks the whole header, but reads no tensor.
  package init(path: String) throws(CheckpointError) {
    self.path = path
    // Without O_NONBLOCK a named pipe would keep us waiting before it can be refused.
    descriptor = try FileDescriptor(path: path, flags: O_RDONLY | O_NONBLOCK)
    let size = try descriptor.size()
    try refusePointer(descriptor)
    guard size >= 8 else {
      throw .malformedHeader(
        file: path, byte: size, expected: "8 bytes that give the header's length")
    }
    let length = try descriptor.elements(UInt64.self, count: 1, at: 0)[0]
    let limit = min(size - 8, Self.headerByteLimit)
    guard length <= limit else {
      throw .malformedHeader(
        file: path, byte: 0, expected: "a header of at most \(limit) bytes, found \(length)")
    }
    dataOffset = 8 + Int(length)
    header = try SafetensorsHeader(
      json: descriptor.elements(UInt8.self, count: Int(length), at: 8),
      dataByteCount: size - dataOffset, file: path)
  }

  /// In the order of their UTF-8 bytes.
  package var names: [String] {
    header.tensors.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  package var metadata: [String: String] { header.metadata }

  package func shape(of name: String) throws(CheckpointError) -> [Int] {
    try tensor(name).shape
  }

  /// The elements in row-major order, of a tensor in F32, F16 or BF16; half floats are widened.
  package func floats(of name: String) throws(CheckpointError) -> [Float] {
    let tensor = try tensor(name)
    let offset = dataOffset + tensor.range.lowerBound
    // Other types are widened into a second array, twice as large.
    try checkMemory(
      for: tensor.range.count, times: tensor.type == .float32 ? 1 : 3, file: path)
    let count = tensor.range.count / tensor.type.byteCount
    let floats = try tensor.type.floats(count: count) { bytes throws(CheckpointError) in
      try descriptor.read(into: bytes, at: offset)
    }
    if let floats { return floats }
    throw wrongType(of: name, tensor, expected: "F32, F16 or BF16")
  }

  /// The elements in row-major order, of a tensor in I32 or I64.
  package func ints(of name: String) throws(CheckpointError) -> [Int] {
    let tensor = try tensor(name)
    switch tensor.type {
    case .int32: return (try elements(of: tensor) as [Int32]).map(Int.init)
    case .int64: return (try elements(of: tensor) as [Int64]).map(Int.init)
    default: throw wrongType(of: name, tensor, expected: "I32 or I64")
    }
  }

  private func tensor(_ name: String) throws(CheckpointError) -> SafetensorsHeader.Tensor {
    if let tensor = header.tensors[name] { return tensor }
    throw .unknownTensor(file: path, tensor: name, nearest: nearest(to: name, among: names))
  }

  private func wrongType(
    of name: String, _ tensor: SafetensorsHeader.Tensor, expected: String
  ) -> CheckpointError {
    .elementType(file: path, tensor: name, found: tensor.type.rawValue, expected: expected)
  }

  private func elements<Element: BitwiseCopyable>(
    of tensor: SafetensorsHeader.Tensor
  ) throws(CheckpointError) -> [Element] {
    try checkMemory(for: tensor.range.count, times: 3, file: path)
    return try descriptor.elements(
      Element.self, count: tensor.range.count / MemoryLayout<Element>.size,
      at: dataOffset + tensor.range.lowerBound)
  }
}

extension FileDescriptor {
  func elements<Element: BitwiseCopyable>(
    _ type: Element.Type, count: Int, at offset: Int
  ) throws(CheckpointError) -> [Element] {
    try filled(count) { bytes throws(CheckpointError) in try read(into: bytes, at: offset) }
  }
}
