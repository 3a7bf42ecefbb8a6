import Kernels

extension KernelRow {
  /// How far a kernel is from what it should give.
  package struct Check: Sendable, Equatable {
    /// What the results were compared with.
    package enum Reference: String, Sendable {
      /// The portable path, element by element.
      case portable
      /// Double, where a library has no portable path.
      case double
    }

    package let reference: Reference
    /// The largest relative error of any result.
    package let error: Double
    /// That of a gradient against finite differences in double; nil for what is no gradient.
    package let gradientError: Double?
    package let tolerance: Double

    package var isRight: Bool { error <= tolerance && (gradientError ?? 0) <= tolerance }
  }

  /// Runs the kernel once on each path of this machine, at its small size.
  package func check() -> Check {
    engine == .own ? checkPaths() : checkLibrary()
  }

  private func checkPaths() -> Check {
    defer { InstructionSet.force(nil) }
    var wanted: [[Double]] = []
    var (error, gradientError): (Double, Double?) = (0, nil)
    for path in InstructionSet.available {
      InstructionSet.force(path)
      let call = ran()
      let results = call.results()
      if path == .portable { wanted = results.map { $0.map(Double.init) } }
      error = max(error, Self.error(results, wanted))
      if let gradient = call.gradient { gradientError = max(gradientError ?? 0, gradient.error()) }
    }
    return Check(
      reference: .portable, error: error, gradientError: gradientError, tolerance: tolerance)
  }

  private func checkLibrary() -> Check {
    let call = ran()
    guard let exact = call.exact else { preconditionFailure("\(self) has no reference") }
    return Check(
      reference: .double, error: Self.error(call.results(), exact()),
      gradientError: call.gradient?.error(), tolerance: tolerance)
  }

  private func ran() -> KernelCall {
    let call = small()
    var counters = WorkCounters()
    call.run(&counters)
    return call
  }

  private static func error(_ got: [[Float]], _ want: [[Double]]) -> Double {
    guard got.count == want.count else { return .infinity }
    return zip(got, want).reduce(0) { max($0, largestError($1.0, $1.1)) }
  }
}
