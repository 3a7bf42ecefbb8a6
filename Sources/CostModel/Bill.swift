import Program

/// Everything that a step asks for, phase by phase.
struct Bill {
  private(set) var phases: [Phase] = []
  private let machine: Machine
  private let countsWork: Bool
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
      if keepingDropped { total.add(dropped) }
      return total
    }
  }

  /// Without `countsWork` only the demands of what is there are, in less time.
  init(of program: Program, on machine: Machine, countsWork: Bool = true) {
    self.machine = machine
    self.countsWork = countsWork
    let timer = OperationTimer(program: program, machine: machine)
    var isRead = [Bool](repeating: false, count: program.tensors.count)
    if countsWork {
      program.forEachOperation { operation, _, _ in
        for input in operation.inputs { isRead[input.tensor.index] = true }
      }
    }
    self.isRead = isRead
    add(program.body, repetitions: 1, to: nil, timer)
  }

  func demand(keepingDropped: Bool = false) -> Demand {
    phases.reduce(into: Demand()) { $0.add($1.demand(keepingDropped: keepingDropped)) }
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
        if let overlap = Overlap(loop, inner, timer) {
          phases[phase ?? place(of: "")].demand.add([overlap], times: repetitions)
        }
      case .only(_, let inner): add(inner, repetitions: repetitions, to: phase, timer)
      case .operation(let operation):
        let index = phase ?? place(of: "")
        phases[index].demand.add(timer.demand(of: operation), times: repetitions)
        guard countsWork else { continue }
        if let partial = unreadPartial(operation) {
          phases[index].dropped.add(timer.demand(ofSumming: partial), times: repetitions)
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

  /// Adds what stands in no statement.
  mutating func append(_ phase: Phase) { phases.append(phase) }

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
