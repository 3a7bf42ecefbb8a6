package import CostModel
package import GPTJ
import Topology

/// Every sharding plan of a global batch on a topology: the legal ones by step time, and why the
/// others are not legal.
package struct PlanRanking: Sendable, Equatable {
  /// The fastest that fits first; those that do not fit follow, the fastest of them first.
  package let legal: [Entry]
  package let illegal: [Refusal]

  package struct Entry: Sendable, Equatable {
    package let plan: ParallelPlan
    package let step: StepEstimate
    package let memory: MemoryFit
    package let tokensPerSecond: Double

    fileprivate var rank: (Int, Double) { (memory.fits ? 0 : 1, step.seconds) }
  }

  package struct Refusal: Sendable, Equatable {
    package let tensorParallel: Int
    package let dataParallel: Int
    package let microBatchSize: Int
    package let reason: PlanError
  }
}

extension PlanEstimator {
  /// Estimates every TP x DP within the topology's IPUs, with each of these micro-batch sizes.
  ///
  /// What the ranking does not vary, such as recomputation and what-ifs, is as in `plan`.
  package func ranking(
    globalBatchSize: Int, microBatchSizes: [Int] = [1, 2, 4, 8], like plan: ParallelPlan? = nil
  ) -> PlanRanking {
    var legal: [PlanRanking.Entry] = []
    var illegal: [PlanRanking.Refusal] = []
    for tensorParallel in 1...max(1, topology.ipus) {
      for dataParallel in 1...max(1, topology.ipus / tensorParallel) {
        for size in microBatchSizes {
          do throws(PlanError) {
            var candidate = try ParallelPlan.spread(
              globalBatchSize, over: dataParallel, tensorParallel: tensorParallel,
              microBatchSize: size, model: model)
            if let plan { candidate.follow(plan) }
            legal.append(try entry(candidate))
          } catch {
            illegal.append(
              PlanRanking.Refusal(
                tensorParallel: tensorParallel, dataParallel: dataParallel, microBatchSize: size,
                reason: error))
          }
        }
      }
    }
    legal.sort { $0.rank < $1.rank }
    return PlanRanking(legal: legal, illegal: illegal)
  }

  private func entry(_ plan: ParallelPlan) throws(PlanError) -> PlanRanking.Entry {
    let (step, memory) = try stepAndMemory(plan)
    return PlanRanking.Entry(
      plan: plan, step: step, memory: memory,
      tokensPerSecond: step.tokensPerSecond(
        tokensPerStep: plan.globalBatchSize * model.sequenceLength))
  }
}
