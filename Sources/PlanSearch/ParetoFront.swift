package import CostModel
import GPTJ
import Topology

extension PlanRanking.Entry {
  /// Dollars of so many steps, for the share of the pod's price that is its IPUs'.
  package func dollars(steps: Int, on estimator: PlanEstimator) -> Double {
    Double(steps) * step.seconds / 3600 * estimator.topology.pricePerIPUHourUSD * Double(plan.ranks)
  }

  /// Dollars of a billion tokens.
  package func dollarsPerBillionTokens(on estimator: PlanEstimator) -> Double {
    dollars(steps: 1, on: estimator) / (tokensPerSecond * step.seconds) * 1e9
  }

  /// What is to be small: time, price, and both memories of an IPU.
  fileprivate func costs(on estimator: PlanEstimator) -> [Double] {
    [
      step.seconds, step.seconds * Double(plan.ranks), Double(memory.sramPeakBytesPerIPU),
      Double(memory.streamingPeakBytesPerIPU),
    ]
  }
}

extension PlanEstimator {
  /// Those of the plans that fit which no other one beats in step time, price, tile memory and
  /// streaming memory at once, in their order.
  ///
  /// Cost: quadratic in the plans.
  package func paretoFront(of entries: [PlanRanking.Entry]) -> [PlanRanking.Entry] {
    let fitting = entries.filter(\.memory.fits)
    let costs = fitting.map { $0.costs(on: self) }
    return fitting.indices.filter { index in
      !costs.indices.contains { other in
        other != index && zip(costs[other], costs[index]).allSatisfy(<=)
          && (costs[other] != costs[index] || other < index)
      }
    }.map { fitting[$0] }
  }
}

extension TimeSplit {
  /// The cause that takes most more here than there, and how many seconds; nil where none does.
  package func excess(over other: TimeSplit) -> (cause: String, seconds: Double)? {
    zip(parts, other.parts).map { ($0.name, $0.seconds - $1.seconds) }
      .max { $0.1 < $1.1 }.flatMap { $0.1 > 0 ? $0 : nil }
  }
}
