import Glibc
import Testing

@testable import Checkpoints

@Suite struct SafetensorsWriterTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test(arguments: ["gptj-v257.gradients", "gptj-v403.updates"])
  func `a file of the reference library is written again byte for byte`(name: String) throws {
    let path = fixture("\(name).safetensors")
    let file = try SafetensorsFile(path: path)
    let tensors = try file.names.reversed().map {
      (name: $0, shape: try file.shape(of: $0), values: try file.floats(of: $0))
    }
    try SafetensorsWriter.write(tensors, to: folder.file("again"))
    #expect(try contents(of: folder.file("again")) == contents(of: path))
    #expect(try folder.names == ["again"])
  }

  @Test func `odd names, scalars and empty tensors come back`() throws {
    let names = ["", "\"\\/\n\t\r\u{8}\u{C}\u{1}\u{1F}\u{7F}", "é😀", "z"]
    let path = folder.file("odd")
    try SafetensorsWriter.write(
      names.map { (name: $0, shape: [], values: [Float($0.count)]) }
        + [(name: "none", shape: [3, 0], values: [])], to: path)
    let file = try SafetensorsFile(path: path)
    #expect(Set(file.names) == Set(names + ["none"]))
    for name in names { #expect(try file.floats(of: name) == [Float(name.count)]) }
    #expect(try file.floats(of: "none") == [] && file.shape(of: "none") == [3, 0])
    #expect(try contents(of: path)[0] % 8 == 0)
  }

  @Test func `an existing file is replaced, and kept when writing fails`() throws {
    let path = folder.file("a")
    try SafetensorsWriter.write([("old", [1], [1])], to: path)
    try SafetensorsWriter.write([("new", [1], [2])], to: path)
    #expect(try SafetensorsFile(path: path).names == ["new"])

    mkdir(folder.file("folder"), 0o700)
    #expect(throws: CheckpointError.self) {
      try SafetensorsWriter.write([("a", [1], [1])], to: folder.file("folder"))
    }
    #expect(throws: CheckpointError.self) {
      try SafetensorsWriter.write([("a", [1], [1])], to: folder.file("absent/a"))
    }
    #expect(try folder.names == ["a", "folder"])
  }

  @Test func `a full disk is an error`() throws {
    guard access("/dev/full", W_OK) == 0 else { return }
    let full = try FileDescriptor(path: "/dev/full", flags: O_WRONLY)
    let error = #expect(throws: CheckpointError.self) {
      try [UInt8](repeating: 0, count: 8).withUnsafeBytes { try full.write($0) }
    }
    #expect(error?.description == "/dev/full: cannot write: No space left on device")
  }

  @Test func `sixteen bits are the nearest, ties to even, and what they cannot hold is refused`()
    throws
  {
    let path = folder.file("a")
    let step: Float = 0x1p-7
    let values: [Float] = [
      1, 1 + step / 2, 1 + step * 3 / 2, 1 + step * 0.51, -3.141_592_7, 0, 3.389e38, 0x1p-133,
    ]
    try SafetensorsWriter.write(
      [TensorShape(name: "a", shape: [8])], as: .bfloat16, to: path, values: { _ in values })
    let written = try SafetensorsFile(path: path).floats(of: "a")
    #expect(written.prefix(4) == [1, 1, 1 + 2 * step, 1 + step])
    #expect(zip(written, values).allSatisfy { abs($0 - $1) <= abs($1) * 0x1p-8 + 0x1p-133 })
    for (type, limit, beyond) in [
      (FloatType.float16, Float(65_519), Float(65_520)),
      (.bfloat16, Float(bitPattern: 0x7F7F_7FFF), .greatestFiniteMagnitude),
    ] {
      try SafetensorsWriter.write(
        [TensorShape(name: "a", shape: [2])], as: type, to: path, values: { _ in [1, limit] })
      #expect(try SafetensorsFile(path: path).floats(of: "a").allSatisfy(\.isFinite))
      #expect {
        try SafetensorsWriter.write(
          [TensorShape(name: "big", shape: [2])], as: type, to: path, values: { _ in [1, -beyond] })
      } throws: { "\($0)".contains("\"big\"") && "\($0)".contains(type.rawValue) }
    }
  }
}
