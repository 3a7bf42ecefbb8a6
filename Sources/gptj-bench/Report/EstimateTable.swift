import CostModel
import GPTJ
import PlanSearch
import Reporting
import Topology

/// Many estimates, one row each.
struct EstimateTable {
  private var table = Table([
    .init("topology"), .init("seq", .right), .init("gbs", .right), .init("TP x DP", .right),
    .init("step s", .right), .init("low", .right), .init("high", .right),
    .init("tokens/s", .right), .init("bound by"), .init("job", .right), .init("cost", .right),
    .init("memory"),
  ])

  init(_ estimates: [(PodTopology, PlanEstimate)]) {
    for (topology, estimate) in estimates {
      let (job, step) = (estimate.job, estimate.job.step)
      let bound = step.bound
      table.add([
        topology.name, "\(estimate.model.sequenceLength)", "\(estimate.plan.globalBatchSize)",
        "\(estimate.plan.tensorParallel) x \(estimate.plan.dataParallel)"
          + (estimate.plan.pipelineParallel > 1 ? " x PP \(estimate.plan.pipelineParallel)" : ""),
        Format.fixed(step.seconds, 2), Format.fixed(step.secondsLow, 2),
        Format.fixed(step.secondsHigh, 2), Format.grouped(Int(estimate.tokensPerSecond)),
        "\(bound.cause) \(Format.percent(bound.share, decimals: 0))",
        Format.duration(seconds: job.totalSeconds), Format.dollars(job.costUSD),
        job.memory.brief,
      ])
    }
  }

  func text(width: Int?) -> String { table.text(width: width) }
}
