package import Program

/// A step's time in two parts: what it does once, and what it repeats for every micro-batch.
///
/// Who compares many plans of one model times each part once for all plans that share it: the step
/// is their sum, the same as of the whole Program but for the order of additions.
package struct StepParts: Sendable {
  /// Outside the loops over micro-batches.
  package private(set) var once = TimeSplit()
  /// One turn of each of those loops.
  package private(set) var turns: [Turn] = []

  package struct Turn: Sendable {
    /// How often the loop as a whole runs in a step.
    let repetitions: Int
    /// Streaming memory and host.
    var transfers = TimeSplit()
    var arithmetic = TimeSplit()
  }

  /// The same step with other work that is done once.
  package func with(once: TimeSplit) -> StepParts {
    var parts = self
    parts.once = once
    return parts
  }

  /// The step with so many micro-batches; `overlapsIO` as in `Statement.Loop`.
  package func time(microBatches: Int, overlapsIO: Bool) -> TimeSplit {
    var total = once
    for turn in turns {
      total += (turn.transfers + turn.arithmetic) * Double(turn.repetitions * microBatches)
      guard overlapsIO, microBatches > 2 else { continue }
      let hidden =
        turn.transfers.total < turn.arithmetic.total ? turn.transfers : turn.arithmetic
      total -= hidden * Double(turn.repetitions * (microBatches - 2))
    }
    return total
  }
}

extension Estimator {
  /// The parts of a Program whose loops of that name run over micro-batches; how many these are does
  /// not matter.
  ///
  /// Cost: as for the Program's `seconds`. With `onlyTurns` what is done once costs nothing, and is zero.
  package func parts(
    of program: Program, microBatches name: String, onlyTurns: Bool = false
  ) -> StepParts {
    let timer = OperationTimer(program: program, machine: machine)
    let shares = calibration.central.shares
    var parts = StepParts()
    func walk(_ statements: [Statement], _ repetitions: Int, turn: Int?) {
      for statement in statements {
        switch statement {
        case .phase(_, let inner), .only(_, let inner): walk(inner, repetitions, turn: turn)
        case .loop(let loop, let inner) where turn == nil && loop.name == name:
          let index = parts.start(repetitions)
          walk(inner, 1, turn: index)
        case .loop(let loop, let inner): walk(inner, repetitions * loop.count, turn: turn)
        case .operation(let operation):
          guard turn != nil || !onlyTurns else { continue }
          parts.add(
            timer.demand(of: operation).time(with: shares) * Double(repetitions), to: turn,
            isTransfer: operation.kind.isTransfer)
        }
      }
    }
    walk(program.body, 1, turn: nil)
    return parts
  }
}

extension StepParts {
  fileprivate mutating func start(_ repetitions: Int) -> Int {
    turns.append(Turn(repetitions: repetitions))
    return turns.count - 1
  }

  fileprivate mutating func add(_ time: TimeSplit, to turn: Int?, isTransfer: Bool) {
    guard let turn else { return once += time }
    if isTransfer { turns[turn].transfers += time } else { turns[turn].arithmetic += time }
  }
}
