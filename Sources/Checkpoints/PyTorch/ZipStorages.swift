/// The storages of a zip archive of `torch.save`: files `ROOT/data/KEY` beside `ROOT/data.pkl`.
struct ZipStorages: TensorStorages {
  /// A hundred times the pickle of GPT-J 6B.
  private static let pickleByteLimit = 1 << 24

  private let archive: ZipArchive
  /// The folder that all files are in: the name that was saved as, or "archive".
  private let root: String

  static func open(
    _ descriptor: FileDescriptor
  ) throws(CheckpointError) -> (tensors: [String: StoredTensor], storages: any TensorStorages) {
    let archive = try ZipArchive(descriptor)
    let pickles = archive.entries.keys.filter { $0.hasSuffix("/data.pkl") }
    guard pickles.count == 1, let pickle = pickles.first else {
      throw .malformedArchive(
        file: archive.path, entry: nil, expected: "one file data.pkl in it, found \(pickles.count)")
    }
    let storages = ZipStorages(archive: archive, root: String(pickle.dropLast("data.pkl".count)))
    try storages.checkByteOrder()
    var unpickler = Unpickler(
      try archive.contents(of: pickle, limit: pickleByteLimit), file: "\(archive.path): \(pickle)")
    return (try unpickler.loadStateDictionary(file: archive.path), storages)
  }

  /// Files of torch before 2.1 do not say it: then it is the machine's, as torch takes it.
  private func checkByteOrder() throws(CheckpointError) {
    let name = root + "byteorder"
    guard archive.entries[name] != nil else { return }
    let order = try archive.contents(of: name, limit: 16)
    guard order == Array("little".utf8) else {
      throw .malformedArchive(
        file: archive.path, entry: name,
        expected: "little, found \(quoted(String(decoding: order, as: UTF8.self)))")
    }
  }

  func byteCount(of key: String) -> Int? {
    archive.entries[root + "data/" + key]?.range.count
  }

  func read(
    _ part: Range<Int>, of key: String, into bytes: UnsafeMutableRawBufferPointer,
    _ sum: inout Checksum
  ) throws(CheckpointError) {
    try archive.read(part, of: root + "data/" + key, into: bytes, &sum)
  }
}
