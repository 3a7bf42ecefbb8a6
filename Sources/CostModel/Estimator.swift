package import Program
package import Topology

/// Times Programs on one topology, phase by phase, nothing overlapping (the reference's `io_mode`
/// "io"): the step is the sum of what each operation waits for.
///
/// Cost: linear in the operations as written; layers, micro-batches and ranks are only factors.
package struct Estimator: Sendable {
  let machine: Machine
  package let calibration: Calibration

  /// `ioTiles` of each IPU's tiles are taken from computing, as the configuration says.
  package init(
    _ topology: PodTopology, ioTiles: Int = 128, calibration: Calibration = .fitted
  ) {
    machine = Machine(topology, ioTiles: ioTiles)
    self.calibration = calibration
  }

  /// Times one step.
  ///
  /// `keepingClosingCollectives` is the same step with the recompute's dead all-reduces, for the
  /// members of the ensemble that were calibrated as if the reference ran them. Without it they
  /// time `program`, which then is a step that differs from the reference's.
  package func estimate(
    _ program: Program, keepingClosingCollectives twin: Program? = nil
  ) -> StepEstimate {
    let bill = Bill(of: program, on: machine)
    let twinBill = twin.map { Bill(of: $0, on: machine) } ?? bill
    let central = calibration.central.shares
    let phases = bill.phases.map { phase in
      let seconds = calibration.members.map { member in
        let bill = member.keepsClosingCollectives ? twinBill : bill
        return (bill[phase.name] ?? phase).demand.time(with: member.shares).total
      }
      return StepEstimate.Phase(
        name: phase.name, count: phase.count, time: phase.demand.time(with: central),
        secondsLow: seconds.min() ?? 0, secondsHigh: seconds.max() ?? 0, work: phase.work)
    }
    let totals = calibration.members.map { member in
      (member.keepsClosingCollectives ? twinBill : bill).demand.time(with: member.shares).total
    }
    return bill.estimate(
      program, time: bill.demand.time(with: central), low: totals.min() ?? 0,
      high: totals.max() ?? 0, phases: phases)
  }

  /// The central member's seconds alone: what ranks plans.
  package func seconds(_ program: Program) -> Double {
    demand(of: program).time(with: calibration.central.shares).total
  }

  /// What a step asks of one rank, before any calibration.
  package func demand(of program: Program) -> Demand { Bill(of: program, on: machine).demand }
}

/// Everything that a step asks for, phase by phase.
private struct Bill {
  private(set) var phases: [Phase] = []
  private let machine: Machine

  struct Phase {
    let name: String
    var count = 0
    var demand = Demand()
    var work = Work()
  }

  init(of program: Program, on machine: Machine) {
    self.machine = machine
    let timer = OperationTimer(program: program, machine: machine)
    add(program.body, repetitions: 1, to: nil, timer)
  }

  subscript(name: String) -> Phase? { phases.first { $0.name == name } }

  var demand: Demand { phases.reduce(into: Demand()) { $0 += $1.demand } }

  private mutating func add(
    _ statements: [Statement], repetitions: Int, to phase: Int?, _ timer: OperationTimer
  ) {
    for statement in statements {
      switch statement {
      case .phase(let name, let inner):
        let index = place(of: name)
        phases[index].count += repetitions
        add(inner, repetitions: repetitions, to: index, timer)
      case .loop(let loop, let inner):
        add(inner, repetitions: repetitions * loop.count, to: phase, timer)
      case .operation(let operation):
        let index = phase ?? place(of: "")
        phases[index].demand += timer.demand(of: operation) * repetitions
        phases[index].work += timer.program.work(of: operation) * repetitions
      }
    }
  }

  private mutating func place(of name: String) -> Int {
    if let index = phases.firstIndex(where: { $0.name == name }) { return index }
    phases.append(Phase(name: name))
    return phases.count - 1
  }

  func estimate(
    _ program: Program, time: TimeSplit, low: Double, high: Double, phases: [StepEstimate.Phase]
  ) -> StepEstimate {
    let work = self.phases.reduce(into: Work()) { $0 += $1.work }
    let tally = work.collectives
    func wire(_ kinds: Operation.Collective...) -> Double {
      kinds.reduce(0) { total, kind in
        ProcessGroup.allCases.reduce(total) { sum, group in
          sum
            + machine.route(
              kind, group, of: program.mesh, bufferBytes: tally.bytes(kind, group)
            ).bytes
        }
      }
    }
    return StepEstimate(
      program: program.name, mesh: program.mesh, seconds: time.total, secondsLow: low,
      secondsHigh: high, time: time, phases: phases, flopsPerIPU: work.flops,
      streamingLoadBytesPerIPU: work.loadBytes, streamingStoreBytesPerIPU: work.storeBytes,
      hostBytesPerIPU: work.hostBytes,
      allReduceBytesPerIPU: tally.bytes(.allReduceSum) + tally.bytes(.allReduceMax),
      allGatherBytesPerIPU: tally.bytes(.allGather),
      reduceScatterBytesPerIPU: tally.bytes(.reduceScatter),
      allReduceWireBytesPerIPU: wire(.allReduceSum, .allReduceMax),
      allGatherWireBytesPerIPU: wire(.allGather),
      reduceScatterWireBytesPerIPU: wire(.reduceScatter), collectives: tally)
  }
}
