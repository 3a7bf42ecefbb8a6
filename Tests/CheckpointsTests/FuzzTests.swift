import Glibc
import Testing

@testable import Checkpoints

/// Files that are right, but for a few bytes.
@Suite struct FuzzTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Changes, inserts, removes, repeats or cuts bytes; the same for the same state of `random`.
  private func mutate(_ bytes: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
    var bytes = bytes
    for _ in 0...Int.random(in: 0...2, using: &random) where !bytes.isEmpty {
      let at = Int.random(in: 0..<bytes.count, using: &random)
      let length = min(bytes.count - at, Int.random(in: 1...9, using: &random))
      // The edges of numbers, and any byte.
      let value =
        [0, 1, 0x7F, 0x80, 0xFF, UInt8.random(in: 0...255, using: &random)]
        .randomElement(using: &random) ?? 0
      switch Int.random(in: 0...6, using: &random) {
      case 0: bytes.removeSubrange(at..<at + length)
      case 1: bytes.insert(contentsOf: [UInt8](repeating: value, count: length), at: at)
      case 2: bytes.insert(contentsOf: bytes[at..<at + length], at: at)
      case 3: bytes.removeSubrange(at...)
      case 4: for index in at..<at + length { bytes[index] = value }
      default: bytes[at] = value
      }
    }
    return bytes
  }

  /// Each mutation must be read or refused by a `CheckpointError`, and some of both must occur.
  private func fuzz(
    _ bytes: [UInt8], count: Int, seed: UInt64,
    _ read: ([UInt8]) throws(CheckpointError) -> Void
  ) {
    var random = SplitMix64(state: seed)
    var accepted = 0
    for _ in 0..<count {
      do throws(CheckpointError) {
        try read(mutate(bytes, &random))
        accepted += 1
      } catch {
        #expect(error.description.utf8.count < 2_000)
      }
    }
    #expect(accepted > 0 && accepted < count / 2, "\(accepted) of \(count)")
  }

  private func readAll(_ file: some TensorFile) throws(CheckpointError) {
    for name in file.names {
      _ = try file.shape(of: name)
      do throws(CheckpointError) {
        _ = try file.floats(of: name)
      } catch {
        // A type that is not read is right in a file.
        guard case .elementType = error else { throw error }
      }
    }
  }

  @Test(arguments: [false, true])
  func `Mutated .bin files never trap`(legacy: Bool) throws {
    let path = folder.file("pytorch_model.bin")
    fuzz(legacy ? smallLegacy : smallZip, count: 4_000, seed: 11) { bytes throws(CheckpointError) in
      try write(bytes, to: path)
      try readAll(PyTorchFile(path: path))
    }
  }

  /// Inside an archive that is right, so that the CRC does not catch it.
  @Test func `Mutated pickles never trap`() throws {
    let path = folder.file("pytorch_model.bin")
    let storages = smallStorages.map { ($0.key, $0.bytes) }
    fuzz(statePickle(smallTensors), count: 4_000, seed: 12) { bytes throws(CheckpointError) in
      try write(torchZip(bytes, storages), to: path)
      try readAll(PyTorchFile(path: path))
    }
  }

  @Test func `Mutated safetensors files never trap`() throws {
    let path = folder.file("model.safetensors")
    fuzz(safetensors(rightHeader, dataByteCount: 8), count: 4_000, seed: 13) {
      bytes throws(CheckpointError) in
      try write(bytes, to: path)
      try readAll(SafetensorsFile(path: path))
    }
  }

  @Test(arguments: ["config.json", "pytorch_model.bin.index.json"])
  func `Mutated directories never trap`(file: String) throws {
    let tensors = HuggingFaceGPTJ.tensors(layers: 1, hidden: 6, inner: 24, vocabulary: 5)
    let config = GPTJConfig(
      layers: 1, hidden: 6, heads: 2, positions: 9, rotary: 2, vocabulary: 5)
    let map = tensors.map { "\"\($0.name)\": \"a.bin\"" }.joined(separator: ",")
    let index = "{\"weight_map\": {\(map)}}"
    let stored = tensors.map {
      TorchTensor(
        name: $0.name, key: "0", count: 144, shape: $0.shape,
        strides: $0.shape.count == 2 ? [$0.shape[1], 1] : [1])
    }
    try write(
      torchZip(statePickle(stored), [("0", [UInt8](repeating: 0, count: 576))]),
      to: folder.file("a.bin"))
    let texts = [
      "config.json": config.json(endOfText: 4), "pytorch_model.bin.index.json": index,
    ]
    for (name, text) in texts { try write(Array(text.utf8), to: folder.file(name)) }
    fuzz(Array((texts[file] ?? "").utf8), count: 1_500, seed: 14) { bytes throws(CheckpointError) in
      try write(bytes, to: folder.file(file))
      _ = try HuggingFaceDirectory(path: folder.path).floats(of: "lm_head.weight")
    }
  }

  private func write(_ bytes: [UInt8], to path: String) throws(CheckpointError) {
    unlink(path)
    let file = try FileDescriptor(path: path, flags: O_WRONLY | O_CREAT | O_EXCL)
    let result = bytes.withUnsafeBytes { bytes in
      Result { () throws(CheckpointError) in try file.write(bytes) }
    }
    try result.get()
  }
}
