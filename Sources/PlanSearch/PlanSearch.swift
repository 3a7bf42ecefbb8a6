package import CostModel
package import GPTJ
import Topology

/// Every plan of a space with its time, and the fastest of them that fit.
package struct PlanSearch: Sendable {
  /// All of them, the fastest first.
  package let timed: [Timed]
  package let illegal: [PlanRanking.Refusal]
  /// The fastest that fit, as many as were asked for, with all that is known of them.
  package let best: [PlanRanking.Entry]
  /// Faster ones than the last of these, and why they do not fit.
  package let unfit: [Unfit]
  /// Programs that were built for it.
  package let programs: Int

  package struct Unfit: Sendable, Equatable {
    package let timed: Timed
    package let memory: MemoryFit
  }

  package struct Timed: Sendable, Equatable {
    package let plan: ParallelPlan
    package let time: TimeSplit
  }
}

extension PlanEstimator {
  /// Times every plan of a space, and looks at the memory of the fastest until `count` of them fit.
  ///
  /// The others are slower than each of these, whether they fit or not: nothing that could win is
  /// left out. At most `mostUnfit` plans that do not fit are looked at on the way.
  ///
  /// Cost: 1 or 2 microseconds a plan and 0.2 ms for each of their parts; 0.6 ms for each plan whose
  /// memory is looked at.
  package func search(_ space: PlanSpace, best count: Int, mostUnfit: Int = 1000) -> PlanSearch {
    var timer = PlanTimer(self)
    var timed: [PlanSearch.Timed] = []
    var illegal: [PlanRanking.Refusal] = []
    space.forEachPlan(of: model, ipus: topology.ipus) { plan in
      do throws(PlanError) {
        timed.append(PlanSearch.Timed(plan: plan, time: try timer.time(plan)))
      } catch {
        illegal.append(PlanRanking.Refusal(of: plan, error))
      }
    } refuse: {
      illegal.append($0)
    }
    let order = timed.indices.map { ($0, timed[$0].time.total) }
      .sorted { ($0.1, $0.0) < ($1.1, $1.0) }
    timed = order.map { timed[$0.0] }
    var best: [PlanRanking.Entry] = []
    var unfit: [PlanSearch.Unfit] = []
    for found in timed where best.count < count && unfit.count < mostUnfit {
      guard let program = try? program(found.plan) else { continue }
      let memory = self.timed.memory(of: program)
      if memory.fits {
        best.append(entry(found.plan, program, memory))
      } else {
        unfit.append(PlanSearch.Unfit(timed: found, memory: memory))
      }
    }
    return PlanSearch(
      timed: timed, illegal: illegal, best: best, unfit: unfit, programs: timer.programs)
  }
}
