import Foundation

/// One run of the built binary, which stands beside the test bundle.
struct Command {
  let exitCode: Int32
  let output: String
  let errors: String
  /// Whether a signal ended it: a trap.
  let wasKilled: Bool

  static let binary: URL = URL(fileURLWithPath: CommandLine.arguments[0])
    .deletingLastPathComponent().appendingPathComponent("gptj-bench")

  /// Runs the binary to its end, or for ten minutes at most.
  ///
  /// Output goes through files, so that a full pipe can never block the child.
  init(
    _ arguments: [String], environment: [String: String] = [:], in folder: URL? = nil,
    through launcher: [String] = []
  ) throws {
    let scratch = try TemporaryFolder()
    let (out, err) = (
      scratch.url.appendingPathComponent("out"), scratch.url.appendingPathComponent("err")
    )
    for file in [out, err] { try Data().write(to: file) }
    let process = Process()
    let words = launcher + [Self.binary.path] + arguments
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = words
    var variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("GPTJ_BENCH_") }
    variables["SWIFT_BACKTRACE"] = "enable=no"
    variables["COLUMNS"] = nil
    process.environment = variables.merging(environment) { $1 }
    if let folder { process.currentDirectoryURL = folder }
    process.standardOutput = try FileHandle(forWritingTo: out)
    process.standardError = try FileHandle(forWritingTo: err)
    try process.run()
    let limit = DispatchWorkItem { process.terminate() }
    DispatchQueue.global().asyncAfter(deadline: .now() + 600, execute: limit)
    process.waitUntilExit()
    limit.cancel()
    exitCode = process.terminationStatus
    wasKilled = process.terminationReason == .uncaughtSignal
    output = String(decoding: try Data(contentsOf: out), as: UTF8.self)
    errors = String(decoding: try Data(contentsOf: err), as: UTF8.self)
  }

  /// The output as one JSON object.
  func json() throws -> JSONValue {
    try JSONDecoder().decode(JSONValue.self, from: Data(output.utf8))
  }
}

/// A folder that goes with its owner.
final class TemporaryFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent(
      "gptj-bench-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  @discardableResult
  func write(_ name: String, _ text: String) throws -> URL {
    let file = url.appendingPathComponent(name)
    try Data(text.utf8).write(to: file)
    return file
  }
}

/// Any JSON value, to look at documents without a type for each.
enum JSONValue: Decodable {
  case number(Double)
  case text(String)
  case flag(Bool)
  case list([JSONValue])
  case object([String: JSONValue])
  case null

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let flag = try? container.decode(Bool.self) {
      self = .flag(flag)
    } else if let number = try? container.decode(Double.self) {
      self = .number(number)
    } else if let text = try? container.decode(String.self) {
      self = .text(text)
    } else if let list = try? container.decode([JSONValue].self) {
      self = .list(list)
    } else {
      self = .object(try container.decode([String: JSONValue].self))
    }
  }

  /// The value at a path such as `modelled.step_seconds`; null where there is none.
  subscript(path: String) -> JSONValue {
    path.split(separator: ".").reduce(self) { value, key in
      if case .object(let members) = value { members[String(key)] ?? .null } else { .null }
    }
  }

  var number: Double? { if case .number(let value) = self { value } else { nil } }
  var text: String? { if case .text(let value) = self { value } else { nil } }
  var flag: Bool? { if case .flag(let value) = self { value } else { nil } }
  var list: [JSONValue]? { if case .list(let value) = self { value } else { nil } }
}

/// The package's root, found from this file.
let packageRoot = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
