package import Regression

/// Runs benchmarks in processes of their own, each in a new one, and collects what they measure.
///
/// Each starts from the same heap, and a crash is one benchmark's failure.
package struct BenchmarkRunner: Sendable {
  /// The `gptj-bench` that runs them, and variables that it gets.
  package var executable: String
  package var environment: [String: String]
  /// Only counts: nothing is timed.
  package var countsOnly: Bool
  /// Most seconds of measuring one benchmark, warm-up not among them.
  package var timeLimit: Double
  /// Half of the interval of the median, as a share of it, that is tight enough.
  package static let precision = 0.01

  /// Time of one sample: long against a clock's resolution, short against other programs' turns.
  package static let sliceSeconds = 0.010
  private static let fewestSamples = 21

  package init(
    executable: String = "/proc/self/exe", environment: [String: String] = [:],
    countsOnly: Bool = false, timeLimit: Double = 5
  ) {
    self.executable = executable
    self.environment = environment
    self.countsOnly = countsOnly
    self.timeLimit = timeLimit
  }

  /// - Throws: `BenchmarkProcessError` where no process of that executable lists anything.
  package func list() throws(BenchmarkProcessError) -> BenchmarkListing {
    try BenchmarkProcess(path: executable, environment: environment).list()
  }

  /// What became of a benchmark.
  package enum Outcome: Sendable {
    case measured(MeasuredBenchmark)
    case failed(BenchmarkFailure)
  }

  /// Runs one benchmark.
  package func run(_ entry: BenchmarkListing.Entry) -> Outcome {
    do throws(BenchmarkProcessError) {
      let process = try BenchmarkProcess(path: executable, environment: environment)
      return .measured(try measure(entry, in: process))
    } catch {
      return .failed(BenchmarkFailure(benchmark: entry.name, reason: error.reason))
    }
  }

  private func measure(
    _ entry: BenchmarkListing.Entry, in process: BenchmarkProcess
  ) throws(BenchmarkProcessError) -> MeasuredBenchmark {
    let prepared = try process.prepare(entry.name)
    var metrics: [Metric] = []
    if !countsOnly {
      metrics = try times(of: entry, prepared.secondsPerIteration, in: process)
    }
    return MeasuredBenchmark(
      name: entry.name, suite: entry.suite, plan: entry.plan, metrics: metrics + prepared.counts)
  }

  /// Slices, a calibration before each, until the median is known well enough or time is up.
  private func times(
    of entry: BenchmarkListing.Entry, _ secondsPerIteration: Double, in process: BenchmarkProcess
  ) throws(BenchmarkProcessError) -> [Metric] {
    let iterations = Int(min(1e6, max(1, (Self.sliceSeconds / secondsPerIteration).rounded())))
    var wall = Metric(name: "seconds", unit: "s", kind: .time, samples: [], calibrationSeconds: [])
    var cpu = wall
    cpu.name = "cpu_seconds"
    let start = seconds()
    repeat {
      let calibration = try process.calibrate(entry.calibrator)
      let slice = try process.run(entry.name, iterations: iterations)
      wall.samples.append(slice.seconds / Double(iterations))
      cpu.samples.append(slice.cpuSeconds / Double(iterations))
      wall.calibrationSeconds?.append(calibration.seconds)
      cpu.calibrationSeconds?.append(calibration.cpuSeconds)
    } while !isEnough(wall.samples) && seconds() - start < timeLimit
    return [wall, cpu]
  }

  private func isEnough(_ samples: [Double]) -> Bool {
    samples.count >= Self.fewestSamples && SampleSummary(samples).spread <= Self.precision
  }
}
