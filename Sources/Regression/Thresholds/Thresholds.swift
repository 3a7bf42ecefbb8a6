internal import Configuration

/// The thresholds of all metrics, as lines of which later ones win.
package struct Thresholds: Sendable, Equatable {
  package var lines: [Line]

  /// What one line says of the metrics that it matches.
  package struct Line: Sendable, Equatable {
    /// `benchmark/metric`, in which `*` stands for any characters.
    package var metric: String
    package var kind: Metric.Kind?
    package var comparison: ComparisonMethod?
    package var tolerance: Double?
    package var limit: Double?
    package var slack: Double?

    package init(
      metric: String, kind: Metric.Kind? = nil, comparison: ComparisonMethod? = nil,
      tolerance: Double? = nil, limit: Double? = nil, slack: Double? = nil
    ) {
      self.metric = metric
      self.kind = kind
      self.comparison = comparison
      self.tolerance = tolerance
      self.limit = limit
      self.slack = slack
    }
  }

  package init(_ lines: [Line]) { self.lines = lines }

  /// The threshold of a metric; what no line says is 0, and a limit is never below the tolerance.
  package func threshold(
    of metric: String, kind: Metric.Kind, comparison: ComparisonMethod
  ) -> Threshold {
    var threshold = Threshold(tolerance: 0, limit: 0)
    for line in lines
    where (line.kind ?? kind) == kind && (line.comparison ?? comparison) == comparison
      && matches(metric, pattern: line.metric)
    {
      threshold.tolerance = line.tolerance ?? threshold.tolerance
      threshold.limit = line.limit ?? threshold.limit
      threshold.slack = line.slack ?? threshold.slack
    }
    threshold.limit = max(threshold.limit, threshold.tolerance)
    return threshold
  }
}

extension Thresholds {
  /// The lines of `Benchmarks/thresholds/default.yml`; those of a machine come from a file of its own.
  package static func builtIn() throws(RegressionError) -> Thresholds {
    try read(PackageResources.default_yml, file: "thresholds/default.yml")
  }

  /// Adds the lines of a file, which win over those that are there.
  package func adding(file path: String) throws(RegressionError) -> Thresholds {
    do {
      return Thresholds(lines + (try Self.lines(in: YAMLNode.parse(path: path))))
    } catch {
      throw .thresholds(error)
    }
  }

  static func read(_ bytes: [UInt8], file: String) throws(RegressionError) -> Thresholds {
    do {
      return Thresholds(try lines(in: YAMLNode.parse(bytes: bytes, file: file)))
    } catch {
      throw .thresholds(error)
    }
  }

  private static func lines(in tree: YAMLNode) throws(ConfigurationError) -> [Line] {
    var root = try MappingReader(tree)
    var lines: [Line] = []
    for var reader in try root.mappings("thresholds") { lines.append(try line(&reader)) }
    try root.finish()
    return lines
  }

  private static func line(_ reader: inout MappingReader) throws(ConfigurationError) -> Line {
    var line = Line(metric: try reader.string("metric"))
    if reader.has("kind") { line.kind = try reader.choice("kind") }
    if reader.has("comparison") { line.comparison = try reader.choice("comparison") }
    line.tolerance = try share("tolerance_percent", &reader)
    line.limit = try share("limit_percent", &reader)
    if reader.has("slack") { line.slack = try reader.double("slack", in: 0...1e15) }
    try reader.finish()
    if let tolerance = line.tolerance, let limit = line.limit, limit < tolerance {
      throw ConfigurationError(
        .inconsistent, at: reader.place(of: "limit_percent"),
        "\(reader.name("limit_percent")) is below tolerance_percent",
        expected: "at least the tolerance")
    }
    return line
  }

  private static func share(
    _ key: String, _ reader: inout MappingReader
  ) throws(ConfigurationError) -> Double? {
    reader.has(key) ? try reader.double(key, in: 0...1000) / 100 : nil
  }
}

/// The name of a CPU as a file name: `AMD EPYC 9B14` -> `amd-epyc-9b14`.
package func cpuFileName(_ cpu: String) -> String {
  let words = cpu.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
  return words.isEmpty ? "unknown" : words.joined(separator: "-")
}
