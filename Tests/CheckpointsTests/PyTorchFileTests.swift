import Testing

@testable import Checkpoints

@Suite struct PyTorchFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func open(_ bytes: [UInt8]) throws -> PyTorchFile {
    try PyTorchFile(path: folder.file("pytorch_model.bin", holding: bytes))
  }

  /// What opening and reading every tensor throws.
  private func message(_ bytes: [UInt8]) throws -> String {
    let error = #expect(throws: CheckpointError.self) {
      let file = try open(bytes)
      for name in file.names { _ = try file.floats(of: name) }
    }
    let message = error?.description ?? ""
    #expect(message.contains(folder.path) && message.count < 600)
    return message
  }

  @Test(arguments: [false, true])
  func `Both forms give shapes and numbers, also of views of one storage`(legacy: Bool) throws {
    let file = try open(legacy ? smallLegacy : smallZip)
    #expect(file.names == ["a", "h", "t"])
    #expect(try file.shape(of: "t") == [3, 2])
    #expect(try file.floats(of: "a") == [0, 1, 2, 3, 4, 5])
    #expect(try file.floats(of: "t") == [0, 3, 1, 4, 2, 5])
    #expect(try file.floats(of: "h") == [1, 2, 3])
    #expect { try file.floats(of: "b") } throws: { "\($0)".contains("no tensor \"b\"") }
  }

  @Test func `Strides, offsets, scalars and empty tensors are followed`() throws {
    let bytes = (0..<5000).flatMap { littleEndian(Float($0).bitPattern) }
    func tensor(_ name: String, _ offset: Int, _ shape: [Int], _ strides: [Int]) -> TorchTensor {
      TorchTensor(
        name: name, key: "k", count: 5000, offset: offset, shape: shape, strides: strides)
    }
    let tensors = [
      tensor("transposed", 0, [70, 50], [1, 70]), tensor("column", 2, [4, 3], [10, 2]),
      tensor("three", 1, [2, 3, 4], [1, 100, 10]), tensor("four", 0, [2, 2, 1, 2], [8, 0, 77, 1]),
      tensor("one", 4999, [], []), tensor("empty", 5000, [3, 0], [9, 9]),
      tensor("last", 0, [5000], [1]), tensor("ones", 7, [1, 1], [1 << 60, 3]),
      tensor("row", 0, [1, 5000], [1 << 60, 1]), tensor("strided", 3, [3], [5]),
    ]
    let file = try open(torchZip(statePickle(tensors), [("k", bytes)], byteOrder: nil))
    for tensor in tensors {
      var places = [tensor.offset]
      for (extent, stride) in zip(tensor.shape, tensor.strides) {
        places = places.flatMap { place in (0..<extent).map { place + $0 * stride } }
      }
      #expect(try file.floats(of: tensor.name) == places.map(Float.init), "\(tensor.name)")
      // In pieces, whose size must not show.
      for blockCount in [1, 7, 100, 333] {
        let view = StoredTensor(
          storage: TensorStorage(key: "k", type: .float32, count: 5000), offset: tensor.offset,
          shape: tensor.shape, strides: tensor.strides)
        #expect(
          try view.gathered(blockCount: blockCount) { $0.map(Float.init) } == places.map(Float.init)
        )
      }
    }
  }

  @Test func `Types of no floats are known and not read`() throws {
    let tensors = ["Byte", "Bool", "Char", "Short", "Int", "Long", "Double"].enumerated().map {
      TorchTensor(
        name: $1, type: $1 + "Storage", key: "\($0)", count: 1, shape: [1], strides: [1])
    }
    let bytes = [1, 1, 1, 2, 4, 8, 8].enumerated().map {
      ("\($0)", [UInt8](repeating: 1, count: $1))
    }
    let file = try open(torchZip(statePickle(tensors), bytes))
    for tensor in tensors {
      #expect(try file.shape(of: tensor.name) == [1])
      #expect { try file.floats(of: tensor.name) } throws: { "\($0)".contains("F32, F16 or BF16") }
    }
  }

  @Test(arguments: [
    ("offset", 1, 6, [2, 3], [3, 1]), ("offset below zero", -1, 6, [2, 3], [3, 1]),
    ("negative stride", 5, 6, [6], [-1]), ("negative extent", 0, 6, [-1], [1]),
    ("more strides", 0, 6, [2], [1, 1]), ("beyond", 0, 6, [2, 3], [4, 1]),
    ("overflow", 0, 6, [1 << 62, 4], [1 << 62, 1]), ("long", 0, 6, [.max], [.max]),
    ("sum", 6, 6, [2, 2], [.max, .max]), ("dimensions", 0, 6, .init(repeating: 1, count: 65), []),
    ("count", 0, 7, [1], [1]), ("huge count", 0, .max, [1], [1]),
  ])
  func `Views beyond their storage are refused by name`(
    _ name: String, _ offset: Int, _ count: Int, _ shape: [Int], _ strides: [Int]
  ) throws {
    let tensor = TorchTensor(
      name: name, key: "0", count: count, offset: offset, shape: shape,
      strides: shape.count == 65 ? shape : strides)
    let storage = smallStorages[0]
    #expect(
      try message(torchZip(statePickle([tensor]), [("0", storage.bytes)])).contains("\"\(name)\""))
    #expect(
      try message(torchLegacy(statePickle([tensor], legacy: true), [storage]))
        .contains("\"\(name)\""))
  }

  @Test func `A tensor of one element repeated beyond memory is refused`() throws {
    let tensor = TorchTensor(
      name: "wide", key: "0", count: 6, shape: [1 << 30, 1 << 20], strides: [0, 0])
    let bytes = torchZip(statePickle([tensor]), [("0", smallStorages[0].bytes)])
    #expect(try message(bytes).contains("the machine has"))
  }

  @Test func `A damaged byte is found by its CRC`() throws {
    var bytes = smallZip
    let place = try #require(bytes.firstRange(of: littleEndian(Float(5).bitPattern))?.lowerBound)
    bytes[place] ^= 1
    let file = try open(bytes)
    #expect { try file.floats(of: "a") } throws: { "\($0)".contains("the file is damaged") }
  }

  @Test(arguments: [false, true])
  func `A file that is cut off anywhere is an error`(legacy: Bool) throws {
    let bytes = legacy ? smallLegacy : smallZip
    for count in bytes.indices { _ = try message(Array(bytes[..<count])) }
  }

  @Test func `Other files are refused`() throws {
    #expect(try message(Array("version https://git-lfs.github.com/spec/v1\n".utf8)).contains("LFS"))
    #expect(try message([0x80, 2] + Array("}.".utf8)).contains("torch.save wrote"))
    #expect(try message(zip([ZipEntry(name: "a.txt", bytes: [1])])).contains("one file data.pkl"))
    let big = torchZip(statePickle([]), [], byteOrder: "big")
    #expect(try message(big).contains("expected little, found \"big\""))
    let twice = ["a/data.pkl", "b/data.pkl"].map { ZipEntry(name: $0, bytes: statePickle([])) }
    #expect(try message(zip(twice)).contains("found 2"))
    #expect(try message(torchZip(statePickle(smallTensors), [])).contains("no such storage"))
  }

  @Test(arguments: [
    (keys: ["0", "0"], "each once"), (keys: ["0", "9"], "each once"), (keys: [], "no such storage"),
  ])
  func `The older form's list of storages must be that of the state dict`(
    keys: [String], expected: String
  ) throws {
    let storages = keys.map { (key: $0, count: 6, bytes: smallStorages[0].bytes) }
    let bytes = torchLegacy(statePickle(smallTensors, legacy: true), storages)
    #expect(try message(bytes).contains(expected))
  }

  @Test(arguments: [-1, 7, .max, .min])
  func `The older form's sizes must be in the file`(count: Int) throws {
    let storages = smallStorages.map { (key: $0.key, count: count, bytes: $0.bytes) }
    let bytes = torchLegacy(statePickle(smallTensors, legacy: true), storages)
    #expect(try message(bytes).contains("cut off") || count == 7)
  }
}
