internal import Reporting

extension History {
  /// Every step of every series, and what is in none.
  package var text: String {
    var table = Table([
      .init("since"), .init("metric"), .init("before", .right), .init("after", .right),
      .init("change", .right), .init("verdict"), .init("file"),
    ])
    for series in series {
      let unit = series.isCalibrated ? "" : series.unit
      for step in series.steps {
        table.add([
          step.startedAt, "\(series.benchmark)/\(series.metric)",
          Regression.text(step.before, unit: unit), Regression.text(step.after, unit: unit),
          changeText(step.change), step.isWorse ? "worse" : "better", step.file,
        ])
      }
    }
    let steps = counted(table.rows.count, "step change")
    let head =
      "\(steps) in \(counted(results, "result")), \(counted(series.count, "metric")) each.\n"
    let isCalibrated = series.contains { $0.isCalibrated && !$0.steps.isEmpty }
    return head + skippedText
      + (isCalibrated ? "Times are ratios to the calibration kernel.\n" : "")
      + (table.rows.isEmpty ? "" : "\n" + table.text())
  }

  private var skippedText: String {
    let reasons = Dictionary(grouping: skipped, by: \.reason).sorted { $0.key < $1.key }
    return reasons.map { "Skipped \(counted($1.count, "result")): \($0).\n" }.joined()
  }
}
