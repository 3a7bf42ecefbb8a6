package import GPTJ

/// The plans that a search goes through: every way to split a batch and a model over a topology's
/// IPUs, and for each of them every way to run its step.
package struct PlanSpace: Sendable {
  package var globalBatchSize: Int
  package var microBatchSizes = [1, 2, 4, 8]
  /// Only these, where it is not nil.
  package var tensorParallel: Int?
  package var dataParallel: Int?
  package var pipelineParallel: Int?
  /// Whether the step varies too: what is recomputed, what-ifs of the same numerics, and stages.
  ///
  /// Otherwise it is that of `step`. With stages only what is recomputed varies.
  package var variesStep = false
  /// What the plans have in common.
  package var step: ParallelPlan?

  package init(globalBatchSize: Int) { self.globalBatchSize = globalBatchSize }

  /// Calls `visit` for every legal plan, and `refuse` for every split that is none.
  ///
  /// What would change nothing is left out: fused all-reduces of one rank, shared states of one
  /// replica, overlapped transfers of two micro-batches.
  func forEachPlan(
    of model: GPTJModel, ipus: Int, _ visit: (ParallelPlan) -> Void,
    refuse: (PlanRanking.Refusal) -> Void
  ) {
    let stages =
      pipelineParallel.map { [$0] }
      ?? (variesStep
        ? (1...max(1, min(ipus, model.layers))).filter { model.layers % $0 == 0 }
        : [step?.pipelineParallel ?? 1])
    for stages in stages where stages > 0 {
      forEachPlan(of: model, ipus: ipus / stages, stages: stages, visit, refuse: refuse)
    }
  }

  private func forEachPlan(
    of model: GPTJModel, ipus: Int, stages: Int, _ visit: (ParallelPlan) -> Void,
    refuse: (PlanRanking.Refusal) -> Void
  ) {
    guard ipus > 0 else { return }
    for tensorParallel in 1...ipus {
      if let wanted = self.tensorParallel, wanted != tensorParallel { continue }
      for dataParallel in 1...max(1, ipus / tensorParallel) {
        if let wanted = self.dataParallel, wanted != dataParallel { continue }
        for size in microBatchSizes {
          do throws(PlanError) {
            var plan = try ParallelPlan.spread(
              globalBatchSize, over: dataParallel, tensorParallel: tensorParallel,
              microBatchSize: size, pipelineParallel: stages, model: model)
            if let step { plan.follow(step) }
            if variesStep {
              if let reason = plan.headIllegality(for: model) { throw reason }
              forEachStep(of: plan, model, visit)
            } else {
              if let reason = plan.illegality(for: model) { throw reason }
              visit(plan)
            }
          } catch {
            refuse(
              PlanRanking.Refusal(
                tensorParallel: tensorParallel, dataParallel: dataParallel, microBatchSize: size,
                reason: error))
          }
        }
      }
    }
  }

  private func forEachStep(
    of plan: ParallelPlan, _ model: GPTJModel, _ visit: (ParallelPlan) -> Void
  ) {
    let isParallel = plan.tensorParallel > 1 && plan.pipelineParallel == 1
    let hasReplicas = plan.dataParallel > 1 && plan.pipelineParallel == 1
    var plan = plan
    for recompute in ParallelPlan.Recompute.allCases {
      plan.recompute = recompute
      for fuses in [false, true] where isParallel || !fuses {
        plan.rewrites.fusesAllReduces = fuses
        for shards in [false, true] where isParallel || !shards {
          plan.rewrites.shardsSequence = shards
          guard plan.illegality(for: model) == nil else { continue }
          for sharding in ParallelPlan.StateSharding.allCases
          where hasReplicas || sharding == .all {
            plan.rewrites.stateSharding = sharding
            for overlaps in [false, true]
            where plan.gradientAccumulation > 2 && plan.pipelineParallel == 1 || !overlaps {
              plan.rewrites.overlapsIO = overlaps
              visit(plan)
            }
          }
        }
      }
    }
  }
}
