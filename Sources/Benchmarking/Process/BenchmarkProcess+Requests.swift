package import Regression

/// What a process measured of some iterations together.
package struct MeasuredTime: Sendable, Equatable {
  package var seconds: Double
  package var cpuSeconds: Double
}

/// Requests by name; a refusal of the process is an error here.
extension BenchmarkProcess {
  /// Seconds until a process counts as hanging.
  private static let patience = 120.0

  /// Builds and warms up a benchmark, and counts what an iteration does if `counting`.
  package func prepare(
    _ benchmark: String, counting: Bool = true
  ) throws(BenchmarkProcessError) -> PreparedBenchmark {
    let request = BenchmarkRequest.prepare(benchmark: benchmark, counting: counting)
    guard case .prepared(let prepared) = try answer(request) else {
      preconditionFailure("a reply that answers is of its request's kind")
    }
    return prepared
  }

  package func run(
    _ benchmark: String, iterations: Int
  ) throws(BenchmarkProcessError) -> MeasuredTime {
    try measure(.run(benchmark: benchmark, iterations: iterations))
  }

  package func calibrate(
    _ calibrator: Calibrator
  ) throws(BenchmarkProcessError) -> MeasuredTime {
    try measure(.calibrate(calibrator))
  }

  package func release(_ benchmark: String) throws(BenchmarkProcessError) {
    _ = try answer(.release(benchmark: benchmark))
  }

  private func measure(
    _ request: BenchmarkRequest
  ) throws(BenchmarkProcessError) -> MeasuredTime {
    guard case .measured(let seconds, let cpuSeconds) = try answer(request) else {
      preconditionFailure("a reply that answers is of its request's kind")
    }
    return MeasuredTime(seconds: seconds, cpuSeconds: cpuSeconds)
  }

  private func answer(
    _ request: BenchmarkRequest
  ) throws(BenchmarkProcessError) -> BenchmarkReply {
    let reply = try send(request, timeLimit: Self.patience)
    if case .failed(let reason) = reply { throw .refused(path: path, reason: reason) }
    return reply
  }
}
