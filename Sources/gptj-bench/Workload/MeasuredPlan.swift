import Emulator
import FineTuning
import GPTJ
import Program

/// A plan really trained for a few steps, its model scaled down, and whether what was executed is
/// what its Program states.
struct MeasuredPlan {
  let plan: ParallelPlan
  /// As far as the small model can follow.
  let small: ParallelPlan
  let losses: [Double]
  let stepSeconds: Double
  /// Of all emulated IPUs in a step: stated, and executed or knowingly skipped.
  let stated: Work
  let counted: Work

  /// Arithmetic, transfers and the bytes of each collective; which group's they were no kernel knows.
  var agrees: Bool { Self.quantities(stated) == Self.quantities(counted) }

  private static func quantities(_ work: Work) -> [Int] {
    [work.flops, work.elements, work.loadBytes, work.storeBytes, work.hostBytes]
      + Operation.Collective.allCases.map { work.collectives.bytes($0) }
  }

  private static let steps = 3
  /// Beyond which a plan is left with the steps that it made: no small model takes so long.
  private static let mostSeconds = 600.0

  /// - Throws: what a real run throws.
  init(_ plan: ParallelPlan) throws {
    let run = try RealRun(
      like: plan, plan.recompute.whatIfs, seconds: Self.mostSeconds, steps: Self.steps,
      EmulatorOptions()
    ) { _, _, _ in }
    self.plan = plan
    small = run.trainer.step.plan
    losses = run.updates.map(\.loss)
    stepSeconds = run.stepSeconds
    stated = run.trainer.program.workOfAllRanks.reduce(into: Work()) { $0 += $1.work }
    counted = run.medianUpdate.measured.phases.reduce(into: Work()) {
      $0 += $1.executed
      $0 += $1.skipped
    }
  }
}

extension ParallelPlan.Recompute {
  /// What makes it of any other kind; a small model recomputes nothing unless it is told to.
  fileprivate var whatIfs: [WhatIf] {
    switch self {
    case .full, .none: []
    case .live: [.liveRecompute]
    case .selective: [.selectiveRecompute]
    }
  }
}
