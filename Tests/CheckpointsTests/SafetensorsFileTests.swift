import Glibc
import Testing

@testable import Checkpoints

@Suite struct SafetensorsFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func open(_ json: String, _ data: [UInt8]) throws -> SafetensorsFile {
    let bytes = littleEndian(UInt64(json.utf8.count)) + json.utf8 + data
    return try SafetensorsFile(path: folder.file("a.safetensors", holding: bytes))
  }

  @Test func `floats come back bit for bit, in F32 and widened from halves`() throws {
    let values: [Float] = [0, -0.0, 1, -2.5, 65504, .infinity, 0.000_060_975_55]
    let file = try open(
      """
      {"half":{"dtype":"F16","shape":[7],"data_offsets":[0,14]},
       "brain":{"shape":[1,7],"dtype":"BF16","data_offsets":[14,28]},
       "single":{"data_offsets":[28,56],"dtype":"F32","shape":[7,1]}}
      """,
      values.flatMap { littleEndian(Float16($0).bitPattern) }
        + values.flatMap { littleEndian(UInt16(truncatingIfNeeded: $0.bitPattern >> 16)) }
        + values.flatMap { littleEndian($0.bitPattern) })
    #expect(file.names == ["brain", "half", "single"])
    #expect(try file.shape(of: "brain") == [1, 7])
    #expect(try bits(file.floats(of: "single")) == bits(values))
    #expect(try bits(file.floats(of: "half")) == bits(values.map { Float(Float16($0)) }))
    #expect(try bits(file.floats(of: "brain")) == values.map { $0.bitPattern & 0xFFFF_0000 })
  }

  private func bits(_ values: [Float]) -> [UInt32] { values.map(\.bitPattern) }

  @Test func `integers come back from I32 and I64`() throws {
    let file = try open(
      """
      {"__metadata__":{"format":"pt","é\\u00e9\\ud83d\\ude00":"\\n"},
       "a":{"dtype":"I32","shape":[2],"data_offsets":[0,8]},
       "b":{"dtype":"I64","shape":[],"data_offsets":[8,16]}}
      """, littleEndian(Int32.min) + littleEndian(Int32(7)) + littleEndian(Int64.min))
    #expect(try file.ints(of: "a") == [Int(Int32.min), 7])
    #expect(try file.ints(of: "b") == [.min])
    #expect(file.metadata == ["format": "pt", "éé😀": "\n"])
  }

  @Test func `errors name the file, the tensor and what was expected`() throws {
    let file = try open(
      #"{"ids":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}}"#, [1, 0, 0, 0])
    let ids = CheckpointError.elementType(
      file: file.path, tensor: "ids", found: "I32", expected: "F32, F16 or BF16")
    #expect(throws: ids) { try file.floats(of: "ids") }
    #expect(ids.description == "\(file.path): tensor \"ids\": expected F32, F16 or BF16, found I32")
    let missing = CheckpointError.unknownTensor(file: file.path, tensor: "idx", nearest: "ids")
    #expect(throws: missing) { try file.ints(of: "idx") }
    #expect(missing.description.hasSuffix("no tensor \"idx\"; the nearest name is \"ids\""))
  }

  @Test func `what is not a file is an error, at once`() throws {
    #expect(throws: CheckpointError.self) { try SafetensorsFile(path: folder.file("absent")) }
    #expect(throws: CheckpointError.self) { try SafetensorsFile(path: folder.path) }
    mkfifo(folder.file("pipe"), 0o600)
    #expect(throws: CheckpointError.self) { try SafetensorsFile(path: folder.file("pipe")) }
  }

  @Test func `a truncated file is an error wherever it ends`() throws {
    let path = folder.file("whole.safetensors")
    try SafetensorsWriter.write(
      [("a", [2], [1, 2]), ("b", [], [3]), ("empty", [0], [])], to: path)
    let whole = try contents(of: path)
    for count in 0..<whole.count {
      let cut = try folder.file("cut", holding: Array(whole[..<count]))
      #expect(throws: CheckpointError.self, "cut at \(count)") { try SafetensorsFile(path: cut) }
    }
    let longer = try folder.file("longer", holding: whole + [0])
    #expect(throws: CheckpointError.self) { try SafetensorsFile(path: longer) }
  }

  @Test func `a file that shrinks after opening is an error and not a signal`() throws {
    let path = folder.file("shrinking.safetensors")
    try SafetensorsWriter.write([("a", [1000], .init(repeating: 1, count: 1000))], to: path)
    let file = try SafetensorsFile(path: path)
    truncate(path, 100)
    #expect(throws: CheckpointError.self) { try file.floats(of: "a") }
  }

  @Test func `a file of holes larger than memory is an error`() throws {
    let count = 1 << 41
    let json = "{\"a\":{\"dtype\":\"F32\",\"shape\":[\(count)],\"data_offsets\":[0,\(4 * count)]}}"
    let path = try folder.file("holes", holding: safetensors(json, dataByteCount: 0))
    guard truncate(path, 8 + json.utf8.count + 4 * count) == 0 else {
      return  // This file system has no files of 8 TiB.
    }
    let file = try SafetensorsFile(path: path)
    #expect(throws: CheckpointError.self) { try file.floats(of: "a") }
  }

  @Test(arguments: [UInt64.max, 1 << 63, 100_000_001, 1_000])
  func `a header length beyond the file or the format is refused`(length: UInt64) throws {
    let path = try folder.file("length", holding: littleEndian(length) + Array("{}".utf8))
    #expect(throws: CheckpointError.self) { try SafetensorsFile(path: path) }
  }
}
