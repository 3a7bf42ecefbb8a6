package import Program
import Topology

/// What a step's operations cost, the dearest first: what bounds each, and what would move it.
package struct Explanation: Sendable, Equatable {
  package let entries: [Entry]
  /// Of the step.
  package let seconds: Double
  /// What the entries take beyond that, because it runs beside other work.
  package let hiddenSeconds: Double

  /// What an operation waits for longest.
  package enum Bound: String, Sendable, CaseIterable {
    case compute, sram, exchange, link
    case streamingMemory = "streaming_memory"
    case host

    /// The name for people.
    package var name: String {
      switch self {
      case .sram: "SRAM"
      case .streamingMemory: "streaming memory"
      default: rawValue
      }
    }
  }

  /// All operations of one kind and shape in one phase.
  package struct Entry: Sendable, Equatable {
    package let phase: String
    package let operation: String
    /// Of its operands, such as `1024x4096 x 4096x768`.
    package let shape: String
    /// How often it runs in a step.
    package let count: Int
    package let time: TimeSplit
    /// Of all entries' time.
    package let share: Double
    package let bound: Bound
    package let remedy: String

    package var seconds: Double { time.total }
  }
}

extension Estimator {
  /// Explains a step with the central calibration.
  ///
  /// Of a pipeline the operations are the slowest stage's. Cost: linear in the operations as written.
  package func explain(_ whole: Program) -> Explanation {
    let program = slowestStage(of: whole)
    let timer = OperationTimer(program: program, machine: machine)
    var sums: [Key: Sum] = [:]
    program.forEachOperation { operation, phase, repetitions in
      let key = Key(
        phase: phase, operation: operation.kind.name, shape: program.shape(of: operation))
      sums[key, default: Sum(example: operation)].demand.add(
        timer.demand(of: operation), times: repetitions)
      sums[key]?.count += repetitions
    }
    let shares = calibration.central.shares
    let total = sums.values.reduce(0) { $0 + $1.demand.time(with: shares).total }
    let entries = sums.map { key, sum in
      let time = sum.demand.time(with: shares)
      let bound = Explanation.Bound(time)
      return Explanation.Entry(
        phase: key.phase, operation: key.operation, shape: key.shape, count: sum.count,
        time: time, share: total > 0 ? time.total / total : 0, bound: bound,
        remedy: bound.remedy(for: sum, timer, shares))
    }
    return Explanation(
      entries: entries.sorted {
        ($1.seconds, $0.phase, $0.operation, $0.shape)
          < ($0.seconds, $1.phase, $1.operation, $1.shape)
      }, seconds: seconds(whole), hiddenSeconds: max(0, total - seconds(whole)))
  }

  private struct Key: Hashable {
    let phase: String
    let operation: String
    let shape: String
  }

  fileprivate struct Sum {
    var demand = Demand()
    var count = 0
    let example: Operation

    init(example: Operation) { self.example = example }
  }
}

extension Program {
  /// The operands' shapes; a movement or collective has one.
  fileprivate func shape(of operation: Operation) -> String {
    func text(_ reference: TensorReference) -> String {
      self[reference].shape.map(String.init).joined(separator: "x")
    }
    switch operation.kind {
    case .matmul: return operation.inputs.map(text).joined(separator: " x ")
    case .collective(.allGather, _): return text(operation.outputs[0])
    default: return (operation.inputs.first ?? operation.outputs.first).map(text) ?? ""
    }
  }
}

extension Explanation.Bound {
  fileprivate init(_ time: TimeSplit) {
    self =
      switch time.bound {
      case "vector": .sram
      case "exchange": .exchange
      case "streaming": .streamingMemory
      case "collective": .link
      case "host": .host
      default: .compute
      }
  }

  /// What would make it faster, told from what its time consists of.
  fileprivate func remedy(
    for sum: Estimator.Sum, _ timer: OperationTimer, _ shares: Calibration.Shares
  ) -> String {
    switch self {
    case .compute:
      guard let plan = timer.matmulPlan(of: sum.example), plan.curveShare * shares.compute < 0.35
      else { return "less recomputation, a faster clock, more IPUs" }
      return "larger products on each IPU: a larger micro-batch, a smaller TP"
    case .sram: return "fusing it with its neighbours"
    case .exchange: return "fewer, larger operations: most of it is synchronisation"
    case .link: return linkRemedy(sum, timer, shares)
    case .streamingMemory:
      let latency = sum.demand.streamingLatencySeconds
      return latency > sum.demand.streamingSeconds
        ? "fewer, larger transfers" : "sharding it over more IPUs, overlapping it with computing"
    case .host: return "fewer transfers, more micro-batches in each"
    }
  }

  private func linkRemedy(
    _ sum: Estimator.Sum, _ timer: OperationTimer, _ shares: Calibration.Shares
  ) -> String {
    if timer.scratchBytes(of: sum.example) > 0 {
      return "a DP that fills a torus: here every IPU's operand is gathered"
    }
    let latency = sum.demand.linkSteps * shares.secondsPerRingStep
    return latency > sum.demand.linkSeconds / shares.ring
      ? "fewer, larger collectives: a larger micro-batch, fusing neighbours"
      : "fewer bytes: a smaller TP and more DP, fused or dropped all-reduces"
  }
}
