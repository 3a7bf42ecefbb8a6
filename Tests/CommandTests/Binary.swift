import Foundation
import Testing

/// The built `gptj-bench`, run as a user would.
enum Binary {
  /// Beside the test process, whatever the configuration.
  static let folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
  static let path = folder.appendingPathComponent("gptj-bench").path

  /// How a process ended and all that it wrote.
  struct Outcome {
    let exitCode: Int32
    let isSignal: Bool
    let output: String
    let error: String

    var trapped: Bool { isSignal || error.contains("Fatal error") }
  }

  static func run(
    _ arguments: [String], environment: [String: String] = [:], in directory: Folder? = nil
  ) async throws -> Outcome {
    try await launch(path, arguments, environment: environment, in: directory)
  }

  /// A line of Bash in which `gptj-bench` is the built binary.
  static func shell(_ line: String, in directory: Folder? = nil) async throws -> Outcome {
    try await launch("/bin/bash", ["-c", line], in: directory)
  }

  /// Runs a program, ended after five minutes, with both streams in files: nothing blocks a thread.
  private static func launch(
    _ program: String, _ arguments: [String], environment: [String: String] = [:],
    in directory: Folder? = nil
  ) async throws -> Outcome {
    let streams = try Folder()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.environment = inherited.merging(environment) { $1 }
    process.currentDirectoryURL = (directory ?? streams).url
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try streams.writing("stdout")
    process.standardError = try streams.writing("stderr")
    try await withCheckedThrowingContinuation { (ended: CheckedContinuation<Void, any Error>) in
      process.terminationHandler = { _ in ended.resume() }
      do {
        try process.run()
      } catch {
        process.terminationHandler = nil
        ended.resume(throwing: error)
      }
      let id = process.processIdentifier
      DispatchQueue.global().asyncAfter(deadline: .now() + 300) { [weak process] in
        if let process, process.isRunning { kill(id, SIGKILL) }
      }
    }
    return Outcome(
      exitCode: process.terminationStatus, isSignal: process.terminationReason == .uncaughtSignal,
      output: try streams.reading("stdout"), error: try streams.reading("stderr"))
  }

  /// This process' variables without those that change what the binary says.
  private static let inherited: [String: String] = {
    var variables = ProcessInfo.processInfo.environment.filter {
      !$0.key.hasPrefix("GPTJ_BENCH_") && !["COLUMNS", "NO_COLOR"].contains($0.key)
    }
    variables["SWIFT_BACKTRACE"] = "enable=no"
    variables["PATH"] = folder.path + ":" + (variables["PATH"] ?? "/usr/bin:/bin")
    return variables
  }()
}

/// A temporary folder that goes away with its last owner.
final class Folder: Sendable {
  let url: URL

  init(_ files: [String: Data] = [:]) throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    for (name, data) in files { try data.write(to: url.appendingPathComponent(name)) }
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func writing(_ name: String) throws -> FileHandle {
    let file = url.appendingPathComponent(name)
    try Data().write(to: file)
    return try FileHandle(forWritingTo: file)
  }

  func reading(_ name: String) throws -> String {
    String(decoding: try Data(contentsOf: url.appendingPathComponent(name)), as: UTF8.self)
  }
}

/// Files of this package, found from this source file.
enum Repository {
  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
  }
}
