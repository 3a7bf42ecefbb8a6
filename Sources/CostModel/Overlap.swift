import Program

/// Transfers of a loop beside its arithmetic: all but two turns of it hide the shorter of both.
///
/// Source: PopART's overlapped I/O, where the first turn's loads and the last one's stores have
/// nothing to run beside.
package struct Overlap: Sendable, Equatable {
  /// Of one turn: streaming memory and host.
  let transfers: Demand
  /// Of one turn: everything else.
  let arithmetic: Demand
  var turns: Int

  /// What is not waited for.
  func hidden(with shares: Calibration.Shares) -> TimeSplit {
    let (one, other) = (transfers.time(with: shares), arithmetic.time(with: shares))
    return (one.total < other.total ? one : other) * Double(turns)
  }

  /// Nil where the loop does not overlap.
  init?(_ loop: Statement.Loop, _ body: [Statement], _ timer: OperationTimer) {
    guard loop.overlapsIO, loop.count > 2 else { return nil }
    var (transfers, arithmetic) = (Demand(), Demand())
    func walk(_ statements: [Statement], _ repetitions: Int) {
      for statement in statements {
        switch statement {
        case .phase(_, let inner), .only(_, let inner): walk(inner, repetitions)
        case .loop(let loop, let inner): walk(inner, repetitions * loop.count)
        case .operation(let operation):
          let demand = timer.demand(of: operation)
          if operation.kind.isTransfer {
            transfers.add(demand, times: repetitions)
          } else {
            arithmetic.add(demand, times: repetitions)
          }
        }
      }
    }
    walk(body, 1)
    self.transfers = transfers
    self.arithmetic = arithmetic
    turns = loop.count - 2
  }
}

extension TimeSplit {
  static func * (split: TimeSplit, times: Double) -> TimeSplit {
    TimeSplit(
      compute: split.compute * times, vector: split.vector * times,
      exchange: split.exchange * times, streaming: split.streaming * times,
      collective: split.collective * times, host: split.host * times)
  }

  static func + (one: TimeSplit, other: TimeSplit) -> TimeSplit {
    var total = one
    total += other
    return total
  }

  static func += (split: inout TimeSplit, part: TimeSplit) {
    split.compute += part.compute
    split.vector += part.vector
    split.exchange += part.exchange
    split.streaming += part.streaming
    split.collective += part.collective
    split.host += part.host
  }

  static func -= (split: inout TimeSplit, part: TimeSplit) {
    split.compute -= part.compute
    split.vector -= part.vector
    split.exchange -= part.exchange
    split.streaming -= part.streaming
    split.collective -= part.collective
    split.host -= part.host
  }
}
