/// What a benchmark process is asked, one JSON object on each line of its standard input.
///
/// Benchmarks run in a process of their own, so that a crash is a result like another, and so that
/// two binaries can take turns. Every request has one reply, a line on standard output.
package enum BenchmarkRequest: Codable, Sendable, Equatable {
  /// Which benchmarks there are -> `.listing`.
  case list
  /// Builds what a benchmark needs, warms it up, counts if asked -> `.prepared`.
  case prepare(benchmark: String, counting: Bool)
  /// Runs a prepared benchmark that many times -> `.measured`.
  case run(benchmark: String, iterations: Int)
  /// Runs the calibration kernel that a benchmark's times are compared to -> `.measured`.
  case calibrate(Calibrator)
  /// Frees what a benchmark holds -> `.released`.
  case release(benchmark: String)
}

/// What the fixed work of a calibration is bound by; of the same kind as the benchmark's own.
package enum Calibrator: String, Codable, Sendable, Equatable {
  /// Arithmetic in registers.
  case compute
  /// Copies through memory.
  case memory
}

package enum BenchmarkReply: Codable, Sendable, Equatable {
  case listing(BenchmarkListing)
  case prepared(PreparedBenchmark)
  /// Of all iterations together: wall clock, and CPU time of the process.
  case measured(seconds: Double, cpuSeconds: Double)
  case released
  /// The request could not be done; the process lives on.
  case failed(reason: String)
}

package struct BenchmarkListing: Codable, Sendable, Equatable {
  /// Of the messages: `BenchmarkResult.schemaVersion`.
  package var schemaVersion: Int
  package var tool: BenchmarkedTool
  package var machine: MachineIdentity
  package var benchmarks: [Entry]

  package struct Entry: Codable, Sendable, Equatable {
    package var name: String
    package var suite: String
    package var plan: String
    package var calibrator: Calibrator
    /// Whether it waits, for threads of its own or a disk, and CPU time alone does not tell its speed.
    package var waits: Bool
    /// Whether two binaries are compared by it unless told otherwise: the hot paths, in seconds.
    package var isGate: Bool

    package init(
      name: String, suite: String, plan: String, calibrator: Calibrator, waits: Bool, isGate: Bool
    ) {
      self.name = name
      self.suite = suite
      self.plan = plan
      self.calibrator = calibrator
      self.waits = waits
      self.isGate = isGate
    }
  }

  package init(
    schemaVersion: Int, tool: BenchmarkedTool, machine: MachineIdentity, benchmarks: [Entry]
  ) {
    self.schemaVersion = schemaVersion
    self.tool = tool
    self.machine = machine
    self.benchmarks = benchmarks
  }
}

package struct PreparedBenchmark: Codable, Sendable, Equatable {
  /// Counts and sizes of one iteration.
  package var counts: [Metric]
  /// Wall clock of one iteration, as warm-up found it.
  package var secondsPerIteration: Double

  package init(counts: [Metric], secondsPerIteration: Double) {
    self.counts = counts
    self.secondsPerIteration = secondsPerIteration
  }
}
