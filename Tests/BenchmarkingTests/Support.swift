import Foundation

/// The built `gptj-bench`, beside the test process.
let binary = URL(fileURLWithPath: CommandLine.arguments[0])
  .deletingLastPathComponent().appendingPathComponent("gptj-bench").path

/// A temporary folder that goes away with its last owner.
final class Folder: Sendable {
  let url: URL

  init(_ files: [String: String] = [:]) throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    for (name, text) in files {
      let file = url.appendingPathComponent(name)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// An executable shell script.
  func script(_ text: String) throws -> String {
    let file = url.appendingPathComponent("fake").path
    try Data("#!/bin/sh\n\(text)\n".utf8).write(to: URL(fileURLWithPath: file))
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file)
    return file
  }
}

/// Runs `gptj-bench`, ended after two minutes.
func run(
  _ arguments: [String], environment: [String: String] = [:]
) throws -> (code: Int32, output: String, error: String) {
  let folder = try Folder(["stdout": "", "stderr": ""])
  let process = Process()
  process.executableURL = URL(fileURLWithPath: binary)
  process.arguments = arguments
  process.environment = ProcessInfo.processInfo.environment
    .merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }.merging(environment) { $1 }
  let streams = try ["stdout", "stderr"].map {
    try FileHandle(forWritingTo: folder.url.appendingPathComponent($0))
  }
  process.standardInput = FileHandle.nullDevice
  process.standardOutput = streams[0]
  process.standardError = streams[1]
  try process.run()
  process.waitUntilExit()
  let texts = try ["stdout", "stderr"].map {
    try String(contentsOf: folder.url.appendingPathComponent($0), encoding: .utf8)
  }
  return (process.terminationStatus, texts[0], texts[1])
}
