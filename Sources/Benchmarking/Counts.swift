import Collectives
import Kernels
import Program
import Regression

/// Figures that depend on the program alone, under the names that results and thresholds use.
enum Counts {
  static func metric(_ name: String, _ value: Int, _ unit: String) -> Metric {
    Metric(name: name, unit: unit, kind: .count, samples: [Double(value)])
  }

  /// What the kernels executed.
  static func of(_ counters: WorkCounters) -> [Metric] {
    [
      metric("flops", counters.flops, "FLOP"),
      metric("elements", counters.elements, "elements"),
    ]
  }

  /// What an emulated step executed, or what a Program states.
  static func of(_ work: Work, collectiveCalls: Int) -> [Metric] {
    let kinds = CollectiveTally.Kind.allCases
    return of(WorkCounters(flops: work.flops, elements: work.elements)) + [
      metric("load_bytes", work.loadBytes, "B"),
      metric("store_bytes", work.storeBytes, "B"),
      metric("host_bytes", work.hostBytes, "B"),
    ]
      + collectives(
        calls: collectiveCalls, bytes: kinds.reduce(0) { $0 + work.collectives.bytes($1) })
  }

  /// Collectives that one rank takes part in; the emulator itself counts their bytes only.
  static func collectiveCalls(of program: Program) -> Int {
    let tally = program.work.collectives
    return CollectiveTally.Kind.allCases.reduce(0) { total, kind in
      ProcessGroup.allCases.reduce(total) { $0 + tally.calls(kind, $1) }
    }
  }

  static func collectives(calls: Int, bytes: Int) -> [Metric] {
    [
      metric("collective_calls", calls, "calls"),
      metric("collective_bytes", bytes, "B"),
    ]
  }

  /// How long a Program is as written: loops and phases count once, with what is in them.
  static func statements(of program: Program) -> Metric {
    func count(_ statements: [Statement]) -> Int {
      statements.reduce(0) { total, statement in
        switch statement {
        case .phase(_, let inner), .loop(_, let inner), .only(_, let inner):
          total + 1 + count(inner)
        case .operation: total + 1
        }
      }
    }
    return metric("program_statements", count(program.body), "statements")
  }
}

extension CollectiveBytes {
  var total: Int { allReduceSum + allReduceMax + reduceScatter + allGather + broadcast + send }
}
