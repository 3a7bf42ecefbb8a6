import CostModel
import GPTJ
import PlanSearch
import Reporting
import Topology

/// The ranking of `estimate --what-if all`, as a table or as JSON.
struct WhatIfReport {
  private let workload: Workload
  private let ranking: WhatIfRanking

  init(_ workload: Workload, pairs: Bool) throws {
    self.workload = workload
    ranking = try workload.planEstimator.whatIfs(on: workload.configuration, pairs: pairs)
  }

  func text(width: Int?) -> String {
    let plan = workload.step.plan
    var table = Table([
      .init("what if"), .init("gain s", .right), .init("gain", .right), .init("step s", .right),
      .init("low", .right), .init("high", .right), .init("bound by"), .init("memory"),
    ])
    for entry in ranking.entries {
      table.add([
        entry.whatIfs.map(\.name).joined(separator: " + "), Format.fixed(entry.gainSeconds, 3),
        Format.percent(entry.gainSeconds / ranking.base.seconds),
        Format.fixed(entry.step.seconds, 2), Format.fixed(entry.step.secondsLow, 2),
        Format.fixed(entry.step.secondsHigh, 2),
        "\(entry.step.bound.cause) \(Format.percent(entry.step.bound.share, decimals: 0))",
        entry.memory.brief,
      ])
    }
    return
      "Modelled on \(workload.topology.name), \(plan.split): "
      + "a step takes \(Format.fixed(ranking.base.seconds, 2)) s; what if\n"
      + table.text(width: width)
      + ranking.refusals.filter { $0.whatIfs.count == 1 }.map { "\($0.reason)\n" }.joined()
  }

  /// One workload's document, or a list of several.
  static func json(_ reports: [WhatIfReport]) throws -> String {
    let documents = reports.map(\.document)
    let version = ReportDocument.schemaVersion
    return documents.count == 1
      ? try JSONDocument(documents[0], schemaVersion: version).text()
      : try JSONDocument(List(rankings: documents), schemaVersion: version).text()
  }

  private var document: Document {
    Document(
      topology: workload.topology.name, plan: ReportDocument.Plan(workload.step.plan),
      stepSeconds: ranking.base.seconds,
      whatIfs: ranking.entries.map { entry in
        Document.Entry(
          names: entry.whatIfs.map(\.name), summaries: entry.whatIfs.map(\.summary),
          gainSeconds: entry.gainSeconds, stepSeconds: entry.step.seconds,
          stepSecondsLow: entry.step.secondsLow, stepSecondsHigh: entry.step.secondsHigh,
          fits: entry.memory.fits, sramPeakBytesPerIPU: entry.memory.sramPeakBytesPerIPU,
          streamingPeakBytesPerIPU: entry.memory.streamingPeakBytesPerIPU)
      },
      refused: ranking.refusals.map {
        Document.Refused(names: $0.whatIfs.map(\.name), reason: $0.reason.description)
      })
  }

  private struct List: Encodable { let rankings: [Document] }

  private struct Document: Encodable {
    let topology: String
    let plan: ReportDocument.Plan
    let stepSeconds: Double
    let whatIfs: [Entry]
    let refused: [Refused]

    struct Entry: Encodable {
      let names, summaries: [String]
      let gainSeconds, stepSeconds, stepSecondsLow, stepSecondsHigh: Double
      let fits: Bool
      let sramPeakBytesPerIPU, streamingPeakBytesPerIPU: Int
    }

    struct Refused: Encodable {
      let names: [String]
      let reason: String
    }
  }
}
