package import Configuration
package import CostModel
package import GPTJ

/// What each change of a configured step would gain, the largest gain first.
package struct WhatIfRanking: Sendable {
  package let base: StepEstimate
  package let entries: [Entry]
  /// Those that cannot be applied here, and why.
  package let refusals: [Refusal]

  package struct Entry: Sendable {
    /// One, or a pair.
    package let whatIfs: [WhatIf]
    package let plan: ParallelPlan
    package let step: StepEstimate
    package let memory: MemoryFit
    /// Seconds that the step is shorter, by the central calibration.
    package let gainSeconds: Double
  }

  package struct Refusal: Sendable {
    package let whatIfs: [WhatIf]
    package let reason: WhatIf.Refusal
  }
}

extension PlanEstimator {
  /// Estimates every what-if alone, and with `pairs` every two of them, on top of a configuration.
  ///
  /// - Throws: `PlanError` where the configuration itself is illegal.
  package func whatIfs(
    on configuration: FineTuningConfiguration, pairs: Bool = false
  ) throws -> WhatIfRanking {
    let base = try step(TrainingStep(configuration).plan)
    var entries: [WhatIfRanking.Entry] = []
    var refusals: [WhatIfRanking.Refusal] = []
    for whatIfs in WhatIf.combinations(pairs: pairs) {
      do {
        let changed = try WhatIf.applied(whatIfs, to: configuration)
        let plan = try TrainingStep(changed).plan
        let entry = try entry(plan)
        entries.append(
          WhatIfRanking.Entry(
            whatIfs: whatIfs, plan: plan, step: entry.step, memory: entry.memory,
            gainSeconds: base.seconds - entry.step.seconds))
      } catch let reason as WhatIf.Refusal {
        refusals.append(WhatIfRanking.Refusal(whatIfs: whatIfs, reason: reason))
      }
    }
    entries.sort { $0.gainSeconds > $1.gainSeconds }
    return WhatIfRanking(base: base, entries: entries, refusals: refusals)
  }
}
