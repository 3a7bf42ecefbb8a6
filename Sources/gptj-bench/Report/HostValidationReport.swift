import CostModel
import HostMeasurement
import Reporting
import Topology

/// The answer of `validate` on this host, for people and as JSON.
struct HostValidationReport {
  let validation: HostValidation
  let host: MeasuredHost
  let showsKinds: Bool

  func print(_ output: OutputOptions) throws {
    if output.json {
      return StandardStream.output.writeOrExit(
        try JSONDocument(Document(validation), schemaVersion: ReportDocument.schemaVersion).text())
    }
    let width = Terminal.detect(.output, noColor: output.noColor).width
    var text =
      "\(host.name), measured \(host.measured); CPU seconds of the slowest worker\n"
      + steps().text(width: width) + verdict()
    if showsKinds {
      for row in validation.rows { text += "\n\(row.name)\n" + kinds(row).text(width: width) }
    }
    StandardStream.output.writeOrExit(text)
  }

  private func steps() -> Table {
    var table = Table([
      .init("width x tokens, plan"), .init("predicted", .right), .init("measured", .right),
      .init("least", .right), .init("most", .right), .init("error", .right), .init("within"),
    ])
    for row in validation.rows {
      let times = [
        row.predictedSeconds, row.measuredSeconds, row.measuredRange.lowerBound,
        row.measuredRange.upperBound,
      ]
      table.add(
        [row.name] + times.map { Format.fixed($0, 4) } + [
          signed(row.error),
          (row.isWithinTolerance ? "" : "NOT ")
            + Format.percent(HostValidation.tolerance, decimals: 0),
        ])
    }
    return table
  }

  private func verdict() -> String {
    let outside = validation.rows.count { !$0.isWithinTolerance }
    return outside == 0
      ? "all \(validation.rows.count) steps are within their tolerance\n"
      : "\(outside) of \(validation.rows.count) steps are outside their tolerance\n"
  }

  /// Each kind's share of what all workers do.
  private func kinds(_ row: HostValidation.Row) -> Table {
    var table = Table([
      .init("operation"), .init("predicted", .right), .init("measured", .right),
      .init("of the step", .right), .init("error", .right),
    ])
    let sum = row.measuredByKind.values.reduce(0, +)
    for kind in row.kinds {
      table.add([
        kind.name, Format.fixed(kind.predictedSeconds, 5), Format.fixed(kind.measuredSeconds, 5),
        Format.percent(kind.measuredSeconds / max(sum, 1e-12)),
        signed(kind.predictedSeconds / max(kind.measuredSeconds, 1e-12) - 1),
      ])
    }
    return table
  }

  private func signed(_ error: Double) -> String {
    (error < 0 ? "" : "+") + Format.percent(error)
  }

  private struct Document: Encodable {
    let rows: [Row]
    let tolerance: Double
    let isWithinTolerance: Bool

    struct Row: Encodable {
      let name: String
      let workers, waits: Int
      let predictedCpuSeconds, measuredCpuSeconds: Double
      let measuredCpuSecondsLow, measuredCpuSecondsHigh, error: Double
      let isWithinTolerance: Bool
      let kinds: [Kind]
    }

    struct Kind: Encodable {
      let name: String
      let predictedCpuSeconds, measuredCpuSeconds: Double
    }

    init(_ validation: HostValidation) {
      tolerance = HostValidation.tolerance
      isWithinTolerance = validation.isWithinTolerance
      rows = validation.rows.map { row in
        Row(
          name: row.name, workers: row.prediction.workers, waits: row.prediction.waits,
          predictedCpuSeconds: row.predictedSeconds, measuredCpuSeconds: row.measuredSeconds,
          measuredCpuSecondsLow: row.measuredRange.lowerBound,
          measuredCpuSecondsHigh: row.measuredRange.upperBound, error: row.error,
          isWithinTolerance: row.isWithinTolerance,
          kinds: row.kinds.map {
            Kind(
              name: $0.name, predictedCpuSeconds: $0.predictedSeconds,
              measuredCpuSeconds: $0.measuredSeconds)
          })
      }
    }
  }
}
