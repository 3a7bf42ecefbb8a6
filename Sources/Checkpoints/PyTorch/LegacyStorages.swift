/// The storages of torch before 1.6, which HuggingFace still loads.
///
/// The file is five pickles (a magic number, the protocol 1001, the machine, the state dict and the
/// storages' keys) and then, in the order of the keys, each storage's element count and bytes.
struct LegacyStorages: TensorStorages {
  /// The magic number 0x1950a86a20f9469cfc6c and the protocol, as pickles (`torch/serialization.py`).
  static let magic: [UInt8] =
    [0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]
    + [0x80, 0x02, 0x4D, 0xE9, 0x03, 0x2E]

  /// A hundred times the pickles of GPT-J 6B.
  private static let pickleByteLimit = 1 << 24

  private let descriptor: FileDescriptor
  private let ranges: [String: Range<Int>]

  static func open(
    _ descriptor: FileDescriptor
  ) throws(CheckpointError) -> (tensors: [String: StoredTensor], storages: any TensorStorages) {
    let path = descriptor.path
    var unpickler = Unpickler(
      try descriptor.start(pickleByteLimit), from: magic.count, file: path)
    try checkMachine(&unpickler)
    let tensors = try unpickler.loadStateDictionary(file: path)
    guard case .list(let index) = try unpickler.load() else {
      throw unpickler.failure("the list of the storages' keys before")
    }
    let ranges = try ranges(unpickler.lists[index], unpickler, descriptor)
    return (tensors, LegacyStorages(descriptor: descriptor, ranges: ranges))
  }

  private static func checkMachine(_ unpickler: inout Unpickler) throws(CheckpointError) {
    guard case .dictionary(let index) = try unpickler.load(),
      unpickler.dictionaries[index].contains(where: {
        $0.key == .string("little_endian") && $0.value == .bool(true)
      })
    else { throw unpickler.failure("a little-endian machine before") }
  }

  /// Where each storage lies behind the pickles.
  private static func ranges(
    _ keys: [PickleValue], _ unpickler: Unpickler, _ descriptor: FileDescriptor
  ) throws(CheckpointError) -> [String: Range<Int>] {
    let size = try descriptor.size()
    let types = Dictionary(unpickler.storages.map { ($0.key, $0.type) }) { first, _ in first }
    var position = unpickler.position
    var ranges: [String: Range<Int>] = [:]
    for key in keys {
      guard case .string(let key) = key, let type = types[key], ranges[key] == nil else {
        throw unpickler.failure("keys of the state dict's storages before, each once")
      }
      guard size - position >= 8 else {
        throw .malformedArchive(
          file: descriptor.path, entry: key, expected: "its size at byte \(position)")
      }
      let count = try descriptor.elements(UInt64.self, count: 1, at: position)[0]
      position += 8
      guard count <= (size - position) / type.byteCount else {
        throw .malformedArchive(
          file: descriptor.path, entry: key,
          expected: "\(count) elements of \(type.rawValue) from byte \(position) on; "
            + "the file is cut off")
      }
      ranges[key] = position..<position + Int(count) * type.byteCount
      position += Int(count) * type.byteCount
    }
    return ranges
  }

  func byteCount(of key: String) -> Int? { ranges[key]?.count }

  func read(
    _ part: Range<Int>, of key: String, into bytes: UnsafeMutableRawBufferPointer,
    _ sum: inout Checksum
  ) throws(CheckpointError) {
    guard let range = ranges[key], part.upperBound <= range.count else {
      throw .malformedArchive(
        file: descriptor.path, entry: key, expected: "\(part.upperBound) bytes at least")
    }
    try descriptor.read(into: bytes, at: range.lowerBound + part.lowerBound)
  }
}
