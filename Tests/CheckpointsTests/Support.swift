import Foundation

@testable import Checkpoints

/// A folder that goes away with the test.
final class TemporaryFolder {
  let path: String

  init() throws {
    let url = FileManager.default.temporaryDirectory.appending(
      path: "checkpoints-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes `bytes` and returns the path.
  func file(_ name: String, holding bytes: [UInt8]) throws -> String {
    try Data(bytes).write(to: URL(filePath: file(name)))
    return file(name)
  }

  var names: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
  }
}

func contents(of path: String) throws -> [UInt8] {
  Array(try Data(contentsOf: URL(filePath: path)))
}

/// A safetensors file with any header and `dataByteCount` counting bytes behind it.
func safetensors(_ json: String, dataByteCount: Int) -> [UInt8] {
  littleEndian(UInt64(json.utf8.count)) + json.utf8
    + (0..<dataByteCount).map { UInt8(truncatingIfNeeded: $0) }
}

func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian, Array.init)
}

/// The checked-in file of the fixtures that Scripts/make-fixtures makes.
func fixture(_ name: String) -> String {
  URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "FineTuningTests/Fixtures/\(name)").path
}

/// Runs a Python program; its output, or nil when there is no python3 or it failed.
func python(_ program: String, _ arguments: String...) -> String? {
  let process = Process()
  process.executableURL = URL(filePath: "/usr/bin/env")
  process.arguments = ["python3", "-c", program] + arguments
  let output = Pipe()
  process.standardOutput = output
  process.standardError = FileHandle.nullDevice
  guard (try? process.run()) != nil else { return nil }
  let data = output.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  return process.terminationStatus == 0 ? String(decoding: data, as: UTF8.self) : nil
}

/// Sebastiano Vigna's SplitMix64: the same numbers in every run.
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

extension HuggingFaceDirectory {
  /// Writes tensors that are at hand.
  static func write(
    _ config: GPTJConfig, _ tensors: [(name: String, shape: [Int], values: [Float])],
    endOfText: Int, to path: String, others: (_ directory: String) throws -> Void
  ) throws {
    let values = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.values) })
    try write(
      config, endOfText: endOfText, to: path, values: { values[$0] ?? [] }, others: others)
  }
}

extension SafetensorsWriter {
  /// Writes tensors that are at hand.
  static func write(
    _ tensors: [(name: String, shape: [Int], values: [Float])], to path: String
  ) throws(CheckpointError) {
    var values: [String: [Float]] = [:]
    for tensor in tensors { values[tensor.name] = tensor.values }
    try write(tensors.map { TensorShape(name: $0.name, shape: $0.shape) }, to: path) {
      values[$0] ?? []
    }
  }
}
