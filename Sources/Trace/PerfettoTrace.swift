package import CostModel
package import Emulator

/// A timeline in the Trace Event Format that Perfetto and chrome://tracing open.
///
/// The pod's modelled clock and the host's measured one are two processes, never one axis.
/// Phases stand one after the other, all repetitions of one together.
package struct PerfettoTrace {
  private var events: [String] = []

  private enum Process: Int {
    case pod = 1
    case host = 2
  }

  package init() {}

  /// Adds the phases of a modelled step as one track.
  package mutating func add(_ step: StepEstimate) {
    name(.pod, "modelled: \(step.program) on the pod")
    var start = 0.0
    for phase in step.phases {
      let parts = phase.time.parts.map { "\"\($0.name)_seconds\":\($0.seconds)" }
      add(phase.name, .pod, start: start, seconds: phase.seconds, arguments: parts)
      start += phase.seconds
    }
  }

  /// Adds the phases of a measured step, each as long as one worker took on average.
  package mutating func add(_ step: StepMeasurement) {
    name(.host, "measured: on this host, \(step.workers) workers")
    var start = 0.0
    for phase in step.phases {
      let seconds = phase.seconds(workers: step.workers)
      add(
        phase.name, .host, start: start, seconds: seconds,
        arguments: [
          "\"compute_seconds\":\(phase.computeSeconds)",
          "\"collective_seconds\":\(phase.collectiveSeconds)",
          "\"wait_seconds\":\(phase.waitSeconds)",
        ])
      start += seconds
    }
  }

  /// The whole trace as one JSON document.
  package func text() -> String {
    "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n" + events.joined(separator: ",\n") + "\n]}\n"
  }

  private mutating func name(_ process: Process, _ name: String) {
    events.append(
      "{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":\(process.rawValue),\"tid\":0,"
        + "\"args\":{\"name\":\"\(name)\"}}")
  }

  /// Microseconds, as the format has them.
  private mutating func add(
    _ name: String, _ process: Process, start: Double, seconds: Double, arguments: [String]
  ) {
    events.append(
      "{\"name\":\"\(name)\",\"ph\":\"X\",\"pid\":\(process.rawValue),\"tid\":0,"
        + "\"ts\":\(start * 1e6),\"dur\":\(seconds * 1e6),"
        + "\"args\":{\(arguments.joined(separator: ","))}}")
  }
}
