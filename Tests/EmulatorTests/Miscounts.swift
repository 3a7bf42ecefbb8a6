import Emulator
import Program

/// Where what a Program states differs from what was executed plus what was knowingly skipped.
///
/// One line for each phase and quantity; empty where everything is conserved, exactly.
func miscounts(_ program: Program, _ phases: [StepMeasurement.Phase]) -> [String] {
  let stated = program.workOfAllRanks
  guard stated.map(\.phase) == phases.map(\.name) else {
    return ["phases \(phases.map(\.name)), stated \(stated.map(\.phase))"]
  }
  return zip(stated, phases).flatMap { statement, phase in
    let expected = quantities(statement.work)
    let found = quantities(phase.executed + phase.skipped)
    return zip(expected, found).compactMap { expected, found in
      expected.value == found.value
        ? nil
        : "\(phase.name) \(expected.name): found \(found.value), stated \(expected.value)"
    }
  }
}

private func quantities(_ work: Work) -> [(name: String, value: Int)] {
  [
    ("flops", work.flops), ("elements", work.elements), ("loads", work.loadBytes),
    ("stores", work.storeBytes), ("host", work.hostBytes),
  ] + Operation.Collective.allCases.map { ($0.rawValue, work.collectives.bytes($0)) }
}
