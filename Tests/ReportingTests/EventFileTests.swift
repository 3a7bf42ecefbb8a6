import Foundation
import Glibc
import Testing

@testable import Reporting

@Suite("Events for TensorBoard")
struct EventFileTests {
  /// RFC 3720, appendix B.4, and the polynomial's usual check.
  @Test func `The checksum is Castagnoli's`() {
    #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(CRC32C.checksum([UInt8](0..<32)) == 0x46DD_794E)
    #expect(CRC32C.checksum("123456789".utf8) == 0xE306_9283)
    #expect(CRC32C.checksum([]) == 0)
  }

  /// Made with `tensorboard.summary.writer.record_writer` and TensorBoard's protocol buffers.
  @Test func `A step's record has the bytes that TensorBoard's own writer gives`() {
    let event = Event(wallSeconds: 1.5, step: 300, what: .scalars([("Loss", 2.25)]))
    #expect(
      event.record == [
        27, 0, 0, 0, 0, 0, 0, 0, 0x1A, 0x0D, 0x9E, 0x13,  // length, its checksum
        0x09, 0, 0, 0, 0, 0, 0, 0xF8, 0x3F,  // 1: wall_time, double
        0x10, 0xAC, 0x02,  // 2: step, varint
        0x2A, 13, 0x0A, 11,  // 5: summary { 1: value
        0x0A, 4, 0x4C, 0x6F, 0x73, 0x73,  // 1: tag
        0x15, 0, 0, 0x10, 0x40,  // 2: simple_value, float
        0xFA, 0xE4, 0x05, 0x67,
      ])
  }

  @Test func `Every file starts with the version, a resumed run's goes on with a start`() throws {
    let folder = try EventFolder()
    let path = try EventFile(folder: folder.path, resumingAt: 7, wallSeconds: 12).path
    #expect(path.contains("events.out.tfevents.0000000012."))
    let version = Event(wallSeconds: 12, what: .version).record
    let start = Event(wallSeconds: 12, step: 7, what: .start).record
    #expect(try folder.bytes(path) == version + start)
    #expect(Array("brain.Event:2".utf8).elementsEqual(version.dropLast(4).suffix(13)))
  }

  @Test func `Files of one second, host and process are several, and none is changed`() throws {
    let folder = try EventFolder()
    let paths = try (0..<3).map { _ in try EventFile(folder: folder.path, wallSeconds: 12).path }
    #expect(Set(paths).count == 3 && paths == paths.sorted())
  }

  @Test func `Each step is in the file before the next one starts`() throws {
    let folder = try EventFolder()
    let file = try EventFile(folder: folder.path)
    var sizes = [try folder.bytes(file.path).count]
    for step in 1...3 {
      try file.append(step: step, [("Loss", 1), ("LR", .nan)])
      sizes.append(try folder.bytes(file.path).count)
    }
    let records = zip(sizes, sizes.dropFirst()).map { $1 - $0 }
    #expect(Set(records).count == 1 && records[0] > 40)
  }

  @Test func `A folder that is missing and a disk that is full are errors with the file's name`() {
    let error = #expect(throws: ReportingError.self) { try EventFile(folder: "/nowhere") }
    #expect(error?.description.hasPrefix("cannot write to /nowhere/events.out") == true)
    #expect(error?.description.hasSuffix("No such file or directory") == true)
  }

  @Test(
    "TensorBoard reads what we write: a run, a resumed one, and one that was killed",
    .enabled(if: python("import tensorboard") != nil, "needs python3 with tensorboard"))
  func tensorboard() throws {
    let folder = try EventFolder()
    let first = try EventFile(folder: folder.path, wallSeconds: 100)
    for step in 1...5 {
      try first.append(
        step: step, [("Loss", 1 / Double(step)), ("LR", 1e-5)], wallSeconds: 100 + Double(step))
    }
    // Killed while it wrote step 6, resumed after step 3.
    let torn = Event(wallSeconds: 106, step: 6, what: .scalars([("Loss", 9)])).record
    try folder.append(torn.dropLast(3), to: first.path)
    let second = try EventFile(folder: folder.path, resumingAt: 4, wallSeconds: 200)
    for step in 4...6 {
      try second.append(step: step, [("Loss", -Double(step))], wallSeconds: 200 + Double(step))
    }
    let output = try #require(
      python(
        """
        import sys
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        events = EventAccumulator(sys.argv[1])
        events.Reload()
        print(sorted(events.Tags()["scalars"]))
        for tag in ("Loss", "LR"):
          print(*(f"{e.step}:{e.value:.6g}@{e.wall_time:g}" for e in events.Scalars(tag)))
        """, folder.path))
    #expect(
      output == """
        ['LR', 'Loss']
        1:1@101 2:0.5@102 3:0.333333@103 4:-4@204 5:-5@205 6:-6@206
        1:1e-05@101 2:1e-05@102 3:1e-05@103

        """)
  }
}

/// A temporary folder that goes with the test.
private final class EventFolder {
  let path: String

  init() throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "events-\(UUID())")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func bytes(_ path: String) throws -> [UInt8] {
    try Array(Data(contentsOf: URL(filePath: path)))
  }

  func append(_ bytes: some Collection<UInt8>, to path: String) throws {
    let handle = try FileHandle(forWritingTo: URL(filePath: path))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data(bytes))
    try handle.close()
  }
}

/// Runs a Python program; its output, or nil when there is no python3 or it failed.
private func python(_ program: String, _ arguments: String...) -> String? {
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
