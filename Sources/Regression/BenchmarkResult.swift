/// What one run of the benchmarks measured, and on what: the file that comparisons read.
package struct BenchmarkResult: Codable, Sendable, Equatable {
  package static let schemaVersion = 1

  package var tool: BenchmarkedTool
  package var machine: MachineIdentity
  /// When it began, ISO 8601 in UTC.
  package var startedAt: String
  package var benchmarks: [MeasuredBenchmark]
  /// What was to run and did not; never empty lists in place of results.
  package var failures: [BenchmarkFailure]

  package init(
    tool: BenchmarkedTool, machine: MachineIdentity, startedAt: String,
    benchmarks: [MeasuredBenchmark], failures: [BenchmarkFailure] = []
  ) {
    self.tool = tool
    self.machine = machine
    self.startedAt = startedAt
    self.benchmarks = benchmarks
    self.failures = failures
  }
}

/// The binary that was measured.
package struct BenchmarkedTool: Codable, Sendable, Equatable {
  package var version: String
  /// Size of the executable file.
  package var executableBytes: Int
  /// Libraries that do the work, with their versions: `oneDNN` -> `2.6.3`.
  package var libraries: [String: String]

  package init(version: String, executableBytes: Int, libraries: [String: String]) {
    self.version = version
    self.executableBytes = executableBytes
    self.libraries = libraries
  }
}

/// The machine that it was measured on; all but the load must be equal for times to be compared.
package struct MachineIdentity: Codable, Sendable, Equatable {
  package var cpu: String
  /// The widest vector path that the kernels take: `avx512`, ...
  package var instructionSet: String
  /// Logical CPUs that this process may use.
  package var cpus: Int
  /// By level and kind: `L1d` -> bytes of one cache.
  package var cacheBytes: [String: Int]
  package var numaNodes: Int
  package var memoryBytes: Int
  package var kernel: String
  /// Of the frequency; nil where the system does not say.
  package var governor: String?
  /// Of the last minute when the run began.
  package var loadAverage: Double

  package init(
    cpu: String, instructionSet: String, cpus: Int, cacheBytes: [String: Int], numaNodes: Int,
    memoryBytes: Int, kernel: String, governor: String?, loadAverage: Double
  ) {
    self.cpu = cpu
    self.instructionSet = instructionSet
    self.cpus = cpus
    self.cacheBytes = cacheBytes
    self.numaNodes = numaNodes
    self.memoryBytes = memoryBytes
    self.kernel = kernel
    self.governor = governor
    self.loadAverage = loadAverage
  }
}

/// One benchmark's metrics.
package struct MeasuredBenchmark: Codable, Sendable, Equatable {
  /// `suite/benchmark`, unique in a result: `kernels/gelu_1024x4096`.
  package var name: String
  package var suite: String
  /// What runs, in words: shapes, precision, sharding plan, workers.
  ///
  /// Only equal plans are compared.
  package var plan: String
  package var metrics: [Metric]

  package init(name: String, suite: String, plan: String, metrics: [Metric]) {
    self.name = name
    self.suite = suite
    self.plan = plan
    self.metrics = metrics
  }
}

/// One measured or counted figure of a benchmark.
package struct Metric: Codable, Sendable, Equatable {
  /// `seconds`, `cpu_seconds`, `flops`, `heap_allocations`, ...
  package var name: String
  package var unit: String
  package var polarity: Polarity
  package var kind: Kind
  /// In the order of measuring, each of one iteration; a count has one.
  package var samples: [Double]
  /// Of times: the calibration kernel's seconds, measured just before each sample.
  package var calibrationSeconds: [Double]?

  package enum Polarity: String, Codable, Sendable {
    case smallerIsBetter = "smaller_is_better"
    case biggerIsBetter = "bigger_is_better"
  }

  package enum Kind: String, Codable, CaseIterable, Sendable {
    /// Depends on the program alone: the same on every machine, run and load.
    case count
    /// Near enough the same from run to run for no statistics: peak memory, instructions.
    case size
    /// Depends on the machine and what else it does.
    case time
  }

  package init(
    name: String, unit: String, polarity: Polarity = .smallerIsBetter, kind: Kind,
    samples: [Double], calibrationSeconds: [Double]? = nil
  ) {
    self.name = name
    self.unit = unit
    self.polarity = polarity
    self.kind = kind
    self.samples = samples
    self.calibrationSeconds = calibrationSeconds
  }
}

/// A benchmark that was asked for and has no metrics.
package struct BenchmarkFailure: Codable, Sendable, Equatable {
  package var benchmark: String
  /// A sentence: `the process was killed by signal 11`.
  package var reason: String

  package init(benchmark: String, reason: String) {
    self.benchmark = benchmark
    self.reason = reason
  }
}
