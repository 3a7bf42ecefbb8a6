package import Program
package import Topology

/// Times Programs on one topology, phase by phase, nothing overlapping (the reference's `io_mode`
/// "io"): the step is the sum of what each operation waits for.
///
/// Cost: linear in the operations as written; layers, micro-batches and ranks are only factors.
package struct Estimator: Sendable {
  let machine: Machine
  package let calibration: Calibration
  let host = HostConstants.fitted

  /// What products accumulate in (the session option `partialsTypeMatMuls`).
  package enum Partials: String, Sendable, CaseIterable {
    case half, single
  }

  /// The configuration's settings of a session; the defaults are the reference's for training.
  ///
  /// `ioTiles` of each IPU's tiles are taken from computing, and a product may use no more than
  /// `availableMemoryProportion` of a tile beside its operands. Replicas of several IPUs, a
  /// pipeline's, always have rings, one for each of their IPUs (Graphcore's GCL); others only where
  /// the links form one.
  package init(
    _ topology: PodTopology, ioTiles: Int = 128, availableMemoryProportion: Double = 0.2,
    partials: Partials = .half, replicasHaveRings: Bool = false,
    calibration: Calibration = .fitted
  ) {
    machine = Machine(
      topology, ioTiles: ioTiles, availableMemoryProportion: availableMemoryProportion,
      partials: partials, replicasHaveRings: replicasHaveRings)
    self.calibration = calibration
  }

  /// Times one step.
  ///
  /// Members of the ensemble that were calibrated as if the reference ran the dead all-reduces of
  /// its recomputed layers add them, where the Program has dropped them: both readings of the
  /// reference then give the same time for its own step, and the interval spans both elsewhere.
  package func estimate(_ program: Program) -> StepEstimate {
    let bill = bill(of: program)
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
  package func seconds(_ program: Program) -> Double { time(program).total }

  /// The same by cause.
  package func time(_ program: Program) -> TimeSplit {
    demand(of: program).time(with: calibration.central.shares)
  }

  /// Arithmetic of 16 bits alone, on every tile that computes.
  package func secondsAtPeak(flops: Int) -> Double {
    Double(flops) / machine.peakFlopsPerSecond(.float16)
  }

  /// What a step asks of one rank, before any calibration.
  package func demand(of program: Program) -> Demand {
    bill(of: program, countsWork: false).demand()
  }
}
