package import CostModel
package import GPTJ
import Program
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

extension PlanRanking.Refusal {
  init(of plan: ParallelPlan, _ reason: PlanError) {
    self.init(
      tensorParallel: plan.tensorParallel, dataParallel: plan.dataParallel,
      microBatchSize: plan.microBatchSize, reason: reason)
  }
}

extension PlanEstimator {
  /// Estimates every plan of a space in full.
  ///
  /// Cost: 0.6 ms a plan.
  package func ranking(_ space: PlanSpace) -> PlanRanking {
    var legal: [PlanRanking.Entry] = []
    var illegal: [PlanRanking.Refusal] = []
    space.forEachPlan(of: model, ipus: topology.ipus) { plan in
      do throws(PlanError) {
        legal.append(try entry(plan))
      } catch {
        illegal.append(PlanRanking.Refusal(of: plan, error))
      }
    } refuse: {
      illegal.append($0)
    }
    legal.sort { $0.rank < $1.rank }
    return PlanRanking(legal: legal, illegal: illegal)
  }

  /// One plan in full.
  package func entry(_ plan: ParallelPlan) throws(PlanError) -> PlanRanking.Entry {
    let program = try program(plan)
    return entry(plan, program, timed.memory(of: program))
  }

  func entry(_ plan: ParallelPlan, _ program: Program, _ memory: MemoryFit) -> PlanRanking.Entry {
    let step = timed.estimate(program)
    return PlanRanking.Entry(
      plan: plan, step: step, memory: memory,
      tokensPerSecond: step.tokensPerSecond(
        tokensPerStep: plan.globalBatchSize * model.sequenceLength))
  }
}
