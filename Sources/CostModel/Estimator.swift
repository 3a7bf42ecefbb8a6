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
  /// Members of the ensemble that were calibrated as if the reference ran the dead all-reduces of
  /// its recomputed layers add them, where the Program has dropped them: both readings of the
  /// reference then give the same time for its own step, and the interval spans both elsewhere.
  package func estimate(_ program: Program) -> StepEstimate {
    let bill = Bill(of: program, on: machine)
    let central = calibration.central.shares
    let phases = bill.phases.map { phase in
      let (low, high) = extremes { phase.demand(keepingDropped: $0) }
      return StepEstimate.Phase(
        name: phase.name, count: phase.count, time: phase.demand.time(with: central),
        secondsLow: low, secondsHigh: high, work: phase.work)
    }
    let (low, high) = extremes(of: bill.demand)
    return bill.estimate(
      program, time: bill.demand(keepingDropped: false).time(with: central), low: low, high: high,
      phases: phases)
  }

  /// The ensemble's shortest and longest time.
  private func extremes(of demand: (_ keepingDropped: Bool) -> Demand) -> (Double, Double) {
    let (kept, dropped) = (demand(true), demand(false))
    let seconds = calibration.members.map {
      ($0.keepsClosingCollectives ? kept : dropped).time(with: $0.shares).total
    }
    return (seconds.min() ?? 0, seconds.max() ?? 0)
  }

  /// The central member's seconds alone: what ranks plans.
  package func seconds(_ program: Program) -> Double {
    demand(of: program).time(with: calibration.central.shares).total
  }

  /// What a step asks of one rank, before any calibration.
  package func demand(of program: Program) -> Demand { Bill(of: program, on: machine).demand() }
}

/// Everything that a step asks for, phase by phase.
private struct Bill {
  private(set) var phases: [Phase] = []
  private let machine: Machine
  /// By tensor.
  private let isRead: [Bool]

  struct Phase {
    let name: String
    var count = 0
    var demand = Demand()
    /// Of all-reduces that would be dead, and that the Program does not have.
    var dropped = Demand()
    var work = Work()

    func demand(keepingDropped: Bool) -> Demand {
      var total = demand
      if keepingDropped { total += dropped }
      return total
    }
  }

  init(of program: Program, on machine: Machine) {
    self.machine = machine
    let timer = OperationTimer(program: program, machine: machine)
    var isRead = [Bool](repeating: false, count: program.tensors.count)
    program.forEachOperation { operation, _, _ in
      for input in operation.inputs { isRead[input.tensor.index] = true }
    }
    self.isRead = isRead
    add(program.body, repetitions: 1, to: nil, timer)
  }

  func demand(keepingDropped: Bool = false) -> Demand {
    phases.reduce(into: Demand()) { $0 += $1.demand(keepingDropped: keepingDropped) }
  }

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
        if let partial = unreadPartial(operation) {
          phases[index].dropped += timer.demand(ofSumming: partial) * repetitions
        }
        phases[index].work += timer.program.work(of: operation) * repetitions
      }
    }
  }

  /// A product that nothing reads was to be summed over its tensor-parallel group: the recompute
  /// stops before its closing all-reduces.
  private func unreadPartial(_ operation: Operation) -> TensorReference? {
    guard case .matmul(_, _, accumulate: false) = operation.kind,
      !isRead[operation.outputs[0].tensor.index]
    else { return nil }
    return operation.outputs[0]
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
