import FoundationEssentials
import Regression

/// Results made up for tests.
enum Sample {
  static let machine = MachineIdentity(
    cpu: "Test CPU 9000", instructionSet: "avx512", cpus: 2, cacheBytes: ["L1d": 32768],
    numaNodes: 1, memoryBytes: 1 << 33, kernel: "6.1", governor: nil, loadAverage: 0.5)

  static func time(
    _ samples: [Double], name: String = "seconds",
    polarity: Metric.Polarity = .smallerIsBetter, calibration: [Double]? = nil
  ) -> Metric {
    Metric(
      name: name, unit: polarity == .smallerIsBetter ? "s" : "tokens/s", polarity: polarity,
      kind: .time, samples: samples, calibrationSeconds: calibration)
  }

  static func count(
    _ value: Double, name: String = "heap_allocations",
    polarity: Metric.Polarity = .smallerIsBetter
  ) -> Metric {
    Metric(name: name, unit: "1", polarity: polarity, kind: .count, samples: [value])
  }

  static func size(_ value: Double, name: String = "peak_memory_bytes") -> Metric {
    Metric(name: name, unit: "B", kind: .size, samples: [value])
  }

  static func benchmark(
    _ metrics: [Metric], name: String = "kernels/gelu", plan: String = "1024 x 4096"
  ) -> MeasuredBenchmark {
    MeasuredBenchmark(name: name, suite: "kernels", plan: plan, metrics: metrics)
  }

  static func result(
    _ benchmarks: [MeasuredBenchmark], machine: MachineIdentity = machine,
    startedAt: String = "2026-01-01T00:00:00Z", executableBytes: Int = 0
  ) -> BenchmarkResult {
    BenchmarkResult(
      tool: BenchmarkedTool(
        version: "0.1.0", executableBytes: executableBytes, libraries: ["oneDNN": "2.6.3"]),
      machine: machine, startedAt: startedAt, benchmarks: benchmarks)
  }

  static func result(_ metrics: [Metric], startedAt: String = "2026-01-01T00:00:00Z")
    -> BenchmarkResult
  {
    result([benchmark(metrics)], startedAt: startedAt)
  }

  static let thresholds = Thresholds([
    .init(metric: "*", kind: .count, tolerance: 0),
    .init(metric: "*", kind: .size, tolerance: 0.02),
    .init(metric: "*", kind: .time, tolerance: 0.01, limit: 0.03),
  ])

  /// Text that a test changes before it is read.
  static func text(_ result: BenchmarkResult = result([time([0.25, 0.5])])) throws -> String {
    try result.text()
  }
}

/// Writes a file in a folder of its own, which goes away when `body` returns.
func withFile<Value>(
  _ text: String, name: String = "result.json",
  _ body: (_ path: String, _ folder: String) throws -> Value
) throws -> Value {
  let folder = "/tmp/regression-tests-\(UUID().uuidString)"
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  try Data(text.utf8).write(to: URL(filePath: "\(folder)/\(name)"))
  return try body("\(folder)/\(name)", folder)
}

/// splitmix64 (Steele, Lea and Flood 2014): the same noise on every machine.
struct Noise: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Roughly normal with deviation 1: the sum of twelve uniform numbers, less six.
  mutating func normal() -> Double {
    (0..<12).reduce(-6.0) { sum, _ in sum + Double.random(in: 0..<1, using: &self) }
  }

  /// Mostly `deviation`, one in ten times ten times as wide: what a neighbour on the machine does.
  mutating func heavyTailed(_ deviation: Double) -> Double {
    let isOutlier = Int.random(in: 0..<10, using: &self) == 0
    return normal() * deviation * (isOutlier ? 10 : 1)
  }

  mutating func series(_ count: Int, _ deviation: Double, shift: Double = 0) -> [Double] {
    (0..<count).map { _ in shift + heavyTailed(deviation) }
  }
}
