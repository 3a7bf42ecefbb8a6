package import Program
import Topology

// A step whose Program has stages: each works on another micro-batch at once, so the step takes as
// long as the slowest stage with all of its micro-batches, and what the others need for one: for
// equal stages G + p - 1 times one micro-batch, forward and backward (1F1B, Narayanan et al. 2021).

extension Estimator {
  /// What a Program asks of one rank: of a pipeline's slowest stage, and the bubble as a phase.
  func bill(of program: Program, countsWork: Bool = true) -> Bill {
    guard program.mesh.pipelineParallel > 1 else {
      return Bill(of: program, on: machine, countsWork: countsWork)
    }
    let stages = program.mesh.stageKinds.map { stage, count in
      (bill: Bill(of: program.onStage(stage), on: machine, countsWork: countsWork), count: count)
    }
    let slowest = slowest(stages.map(\.bill))
    let turning = program.phasesOfMicroBatches
    var bubble = Bill.Phase(name: "pipeline_bubble", count: 1)
    for (index, stage) in stages.enumerated() {
      let others = stage.count - (index == slowest ? 1 : 0)
      for phase in stage.bill.phases where others > 0 && turning.contains(phase.name) {
        bubble.demand.add(phase.demand.share(of: phase.count), times: others)
        bubble.dropped.add(phase.dropped.share(of: phase.count), times: others)
      }
    }
    var bill = stages[slowest].bill
    bill.append(bubble)
    return bill
  }

  /// What a pipeline's slowest stage runs; the Program itself where there is none.
  func slowestStage(of program: Program) -> Program {
    let stages = program.mesh.stageKinds.map { program.onStage($0.stage) }
    guard stages.count > 1 else { return program }
    return stages[slowest(stages.map { Bill(of: $0, on: machine, countsWork: false) })]
  }

  private func slowest(_ bills: [Bill]) -> Int {
    let seconds = bills.map { $0.demand().time(with: calibration.central.shares).total }
    return seconds.indices.max { seconds[$0] < seconds[$1] } ?? 0
  }

  /// Whether a Program fits this topology's IPUs: a pipeline's where its fullest stage does.
  ///
  /// That is the first, which has most micro-batches in flight and the embedding, the second, which
  /// also receives, or the last, which has the head.
  package func memory(of program: Program) -> MemoryFit {
    let last = program.mesh.pipelineParallel - 1
    guard last > 0 else { return memory(ofRank: program) }
    let fits = Set([0, 1, last]).sorted().map { memory(ofRank: program.onStage($0)) }
    func need(_ fit: MemoryFit) -> (Int, Int) {
      (fit.shortfalls.reduce(0) { $0 + $1.missingBytes }, fit.sramPeakBytesPerIPU)
    }
    return fits.dropFirst().reduce(fits[0]) { need($0) < need($1) ? $1 : $0 }
  }
}

extension OperationTimer {
  /// From the tiles that computed it to the links, and to the neighbour; it waits for nobody else.
  func send(_ operation: Operation, _ demand: inout Demand) {
    let bytes = Double(program.payloadBytes(of: operation))
    let mesh = program.mesh
    demand.exchangeSeconds += bytes / machine.exchangeBytesPerSecond
    demand.linkSeconds =
      bytes
      / machine.topology.neighbourBytesPerSecond(
        distance: mesh.stride(of: .pipeline), stages: mesh.pipelineParallel)
    demand.linkSteps = 1
  }
}

extension Demand {
  /// One of `count` equal parts.
  fileprivate func share(of count: Int) -> Demand {
    Demand(values: values.map { $0 / Double(max(1, count)) })
  }
}

extension Program {
  /// The phases that every stage runs once for each micro-batch.
  fileprivate var phasesOfMicroBatches: Set<String> {
    var names: Set<String> = []
    func walk(_ statements: [Statement], turning: Bool) {
      for statement in statements {
        switch statement {
        case .phase(let name, let inner):
          if turning { names.insert(name) }
          walk(inner, turning: turning)
        case .loop(let loop, let inner):
          walk(inner, turning: turning || loop.countByStage != nil)
        case .only(_, let inner): walk(inner, turning: turning)
        case .operation: break
        }
      }
    }
    walk(body, turning: false)
    return names
  }
}
