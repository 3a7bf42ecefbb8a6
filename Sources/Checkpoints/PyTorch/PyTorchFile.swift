import Glibc

/// A state dict that `torch.save` wrote, opened and checked; tensors are read when asked for.
///
/// Both forms are read: the zip archive (torch 1.6 and later) and the stream of pickles before. No
/// pickle is run: `Unpickler` follows what describes tensors and refuses the rest by name.
package final class PyTorchFile: TensorFile {
  package let path: String
  private let tensors: [String: StoredTensor]
  private let storages: any TensorStorages

  /// Reads and checks what describes the tensors, but no tensor.
  package init(path: String) throws(CheckpointError) {
    self.path = path
    // Without O_NONBLOCK a named pipe would keep us waiting before it can be refused.
    let descriptor = try FileDescriptor(path: path, flags: O_RDONLY | O_NONBLOCK)
    let start = try descriptor.start(LegacyStorages.magic.count)
    try refusePointer(descriptor)
    if start == LegacyStorages.magic {
      (tensors, storages) = try LegacyStorages.open(descriptor)
    } else if start.starts(with: Array("PK".utf8)) {
      (tensors, storages) = try ZipStorages.open(descriptor)
    } else {
      throw .malformedArchive(
        file: path, entry: nil, expected: "a file that torch.save wrote, a zip archive or older")
    }
    try check()
  }

  package var names: [String] {
    tensors.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  package func shape(of name: String) throws(CheckpointError) -> [Int] {
    try tensor(name).shape
  }

  /// The elements in row-major order, of a tensor of 32-bit or half floats, which are widened.
  ///
  /// Reads the stretch of the storage between its first and last element, which is the tensor itself
  /// unless it is a slice, in pieces of about 8 MiB.
  package func floats(of name: String) throws(CheckpointError) -> [Float] {
    let tensor = try tensor(name)
    let type = tensor.storage.type
    guard [.float32, .float16, .bfloat16].contains(type) else {
      throw .elementType(
        file: path, tensor: name, found: type.rawValue, expected: "F32, F16 or BF16")
    }
    guard tensor.span != nil, let count = tensor.count else { throw malformed(name, tensor) }
    try checkMemory(for: count, times: 4, file: path)
    var sum = Checksum()
    return try tensor.gathered { span throws(CheckpointError) in
      try checkMemory(for: span.count, times: type.byteCount + 4, file: path)
      let part = span.lowerBound * type.byteCount..<span.upperBound * type.byteCount
      let elements = try type.floats(count: span.count) { bytes throws(CheckpointError) in
        try storages.read(part, of: tensor.storage.key, into: bytes, &sum)
      }
      return elements ?? []
    }
  }

  private func tensor(_ name: String) throws(CheckpointError) -> StoredTensor {
    if let tensor = tensors[name] { return tensor }
    throw .unknownTensor(file: path, tensor: name, nearest: nearest(to: name, among: names))
  }

  /// Every tensor must lie in its storage, and every storage in the file.
  private func check() throws(CheckpointError) {
    for name in names {
      let tensor = try tensor(name)
      let storage = tensor.storage
      let found = storages.byteCount(of: storage.key)
      guard let found, found == storage.byteCount else {
        throw .malformedTensor(
          file: path, tensor: name,
          expected: "\(storage.count) elements of \(storage.type.rawValue) as its storage "
            + "\(quoted(storage.key)), found \(found.map { "\($0) bytes" } ?? "no such storage")")
      }
      guard tensor.span != nil else { throw malformed(name, tensor) }
    }
  }

  private func malformed(_ name: String, _ tensor: StoredTensor) -> CheckpointError {
    .malformedTensor(
      file: path, tensor: name,
      expected: "shape and strides within its storage of \(tensor.storage.count) elements, found "
        + "\(brief(tensor.shape)) and \(brief(tensor.strides)) from \(tensor.offset) on")
  }
}

/// The bytes of a file's storages.
protocol TensorStorages: Sendable {
  /// Nil when there is no storage of this key.
  func byteCount(of key: String) -> Int?

  /// Reads `part` of a storage, counting from its start.
  ///
  /// A storage that is read with one `sum` from its start to its end is checked, where the file has
  /// a sum of it.
  func read(
    _ part: Range<Int>, of key: String, into bytes: UnsafeMutableRawBufferPointer,
    _ sum: inout Checksum
  ) throws(CheckpointError)
}

/// The CRC-32 of the first bytes of something that is read in order, piece by piece.
struct Checksum {
  var crc: UInt32 = 0
  var byteCount = 0
}

extension Unpickler {
  /// The tensors by name of the next pickle, which must be a state dict; `file` is for errors.
  mutating func loadStateDictionary(
    file: String
  ) throws(CheckpointError) -> [String: StoredTensor] {
    guard case .dictionary(let index) = try load() else {
      throw failure("a dictionary of tensors as the whole")
    }
    var found: [String: StoredTensor] = [:]
    for (key, value) in dictionaries[index] {
      guard case .string(let name) = key else { throw failure("names of tensors as keys") }
      guard case .tensor(let index) = value else {
        throw .malformedTensor(
          file: file, tensor: name, expected: "a tensor, as in a state dict alone")
      }
      guard found.updateValue(tensors[index], forKey: name) == nil else {
        throw .malformedTensor(file: file, tensor: name, expected: "each name once")
      }
    }
    return found
  }
}
