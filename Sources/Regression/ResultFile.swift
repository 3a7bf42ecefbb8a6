internal import FoundationEssentials
internal import Glibc

/// The files of results: JSON with a `schema_version`, in snake_case.
package enum ResultFile {
  /// Larger files are refused: a result of all suites is a few hundred kilobytes.
  static let largestBytes = 256 << 20

  /// Reads and checks a result.
  ///
  /// - Throws: `RegressionError` that names the file and what is wrong with it.
  package static func read(_ path: String) throws(RegressionError) -> BenchmarkResult {
    try read(contents(of: path), file: path)
  }

  static func read(_ bytes: Data, file: String) throws(RegressionError) -> BenchmarkResult {
    let result: BenchmarkResult = try decode(bytes, file: file)
    try result.check(file: file)
    return result
  }

  /// Decodes a document after a look at its version, so that another version is called that.
  static func decode<Body: Decodable>(
    _ bytes: Data, file: String
  ) throws(RegressionError) -> Body {
    let expected = "a result as `gptj-bench bench` writes it"
    let version: Int? = try decoded(VersionOnly.self, bytes, file, expected).schemaVersion
    guard let version else {
      throw .malformed(file: file, problem: "it has no schema_version", expected: expected)
    }
    guard version == BenchmarkResult.schemaVersion else {
      throw .malformed(
        file: file, problem: "its schema_version is \(version)",
        expected: "\(BenchmarkResult.schemaVersion)")
    }
    return try decoded(Body.self, bytes, file, expected)
  }

  static func contents(of path: String) throws(RegressionError) -> Data {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw unreadable(path) }
    defer { close(descriptor) }
    var data = Data()
    var chunk = [UInt8](repeating: 0, count: 1 << 20)
    while data.count <= largestBytes {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count == 0 { return data }
      if count > 0 {
        data.append(contentsOf: chunk[..<count])
      } else if errno != EINTR {
        throw unreadable(path)
      }
    }
    throw .malformed(
      file: path, problem: "it is too large", expected: "at most \(largestBytes) bytes")
  }

  static func unreadable(_ path: String) -> RegressionError {
    .unreadable(file: path, reason: String(cString: strerror(errno)))
  }

  private static func decoded<Body: Decodable>(
    _ type: Body.Type, _ bytes: Data, _ file: String, _ expected: String
  ) throws(RegressionError) -> Body {
    if bytes.isEmpty { throw .malformed(file: file, problem: "it is empty", expected: expected) }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    do {
      return try decoder.decode(type, from: bytes)
    } catch let error as DecodingError {
      throw .malformed(file: file, problem: problem(error), expected: expected)
    } catch {
      throw .malformed(file: file, problem: "it is not JSON", expected: expected)
    }
  }

  private static func problem(_ error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, let context):
      "\(place(context))the key '\(key.stringValue)' is missing"
    case .valueNotFound(_, let context): "\(place(context))a value is null"
    case .typeMismatch(_, let context): "\(place(context))a value is of the wrong type"
    case .dataCorrupted(let context) where !context.codingPath.isEmpty:
      "\(place(context))\(context.debugDescription)"
    default: "it is truncated or not JSON"
    }
  }

  private static func place(_ context: DecodingError.Context) -> String {
    let path = context.codingPath.map { key in
      key.intValue.map { "[\($0)]" } ?? ".\(key.stringValue)"
    }.joined()
    return path.isEmpty ? "" : "at \(path.drop { $0 == "." }): "
  }

  private struct VersionOnly: Decodable {
    let schemaVersion: Int?
  }
}

extension BenchmarkResult {
  /// Refuses what no comparison may go on from.
  package func check(file: String) throws(RegressionError) {
    if let failure = failures.first {
      throw .malformed(
        file: file,
        problem: "\(counted(failures.count, "benchmark")) failed, first \(failure.benchmark): "
          + failure.reason,
        expected: "a result in which every benchmark ran")
    }
    guard !benchmarks.isEmpty else {
      throw .malformed(
        file: file, problem: "it has no benchmarks", expected: "at least one: nothing ran")
    }
    try refuseTwice(benchmarks.map(\.name), "benchmark", file: file)
    for benchmark in benchmarks { try benchmark.check(file: file) }
  }
}

extension MeasuredBenchmark {
  fileprivate func check(file: String) throws(RegressionError) {
    guard !metrics.isEmpty else {
      throw .malformed(file: file, problem: "\(name) has no metrics", expected: "at least one")
    }
    try refuseTwice(metrics.map { "\(name)/\($0.name)" }, "metric", file: file)
    for metric in metrics {
      guard let expected = metric.expectationMissed else { continue }
      throw .malformed(
        file: file, problem: "\(name)/\(metric.name) has \(metric.samplesInWords)",
        expected: expected)
    }
  }
}

extension Metric {
  /// What the samples should be and are not; nil when all is well.
  fileprivate var expectationMissed: String? {
    let isPositive = { (value: Double) in value.isFinite && value > 0 }
    switch kind {
    case .count, .size:
      guard !samples.isEmpty, samples.allSatisfy({ $0.isFinite && $0 >= 0 }) else {
        return "finite samples of at least 0"
      }
      return kind == .count && samples.count > 1 ? "one sample, as it is a count" : nil
    case .time:
      guard !samples.isEmpty, samples.allSatisfy(isPositive) else {
        return "finite samples above 0"
      }
      guard let calibrationSeconds else { return nil }
      return calibrationSeconds.count == samples.count && calibrationSeconds.allSatisfy(isPositive)
        ? nil : "a calibration above 0 for each sample"
    }
  }

  fileprivate var samplesInWords: String {
    if samples.isEmpty { return "no samples" }
    if let odd = samples.first(where: { !($0.isFinite && $0 >= 0) }) { return "the sample \(odd)" }
    let calibrations = calibrationSeconds.map { " and \(counted($0.count, "calibration"))" } ?? ""
    return counted(samples.count, "sample") + calibrations
  }
}

private func refuseTwice(
  _ names: [String], _ what: String, file: String
) throws(RegressionError) {
  var seen: Set<String> = []
  for name in names where !seen.insert(name).inserted {
    throw .malformed(file: file, problem: "the \(what) \(name) is there twice", expected: "it once")
  }
}

/// `1 sample`, `2 samples`.
package func counted(_ count: Int, _ noun: String) -> String {
  "\(count) \(noun)\(count == 1 ? "" : "s")"
}
