import CostModel
import Reporting

extension StepEstimate {
  /// Each phase with its runs and what it waits for, in seconds.
  func phaseTable(decimals: Int) -> Table {
    var table = Table([
      .init("phase x runs, in seconds"), .init("total", .right), .init("compute", .right),
      .init("streaming", .right), .init("collective", .right), .init("other", .right),
    ])
    for phase in phases {
      let time = phase.time
      let columns = [
        phase.seconds, time.compute, time.streaming, time.collective,
        time.vector + time.exchange + time.host,
      ]
      table.add(
        [phase.count == 1 ? phase.name : "\(phase.name) x \(phase.count)"]
          + columns.map { Format.fixed($0, decimals) })
    }
    return table
  }
}
