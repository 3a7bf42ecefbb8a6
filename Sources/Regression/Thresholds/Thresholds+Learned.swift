internal import Glibc
internal import Reporting

/// What a metric did when a binary was compared with itself.
package struct SelfComparison: Sendable, Equatable {
  /// `benchmark/metric`.
  package var metric: String
  /// Estimated shifts of log(new/old), one of each comparison; without noise they would be 0.
  package var shifts: [Double]

  package init(metric: String, shifts: [Double]) {
    self.metric = metric
    self.shifts = shifts
  }
}

extension Thresholds {
  /// Tolerances that a binary would hardly exceed against itself, one line for each metric.
  ///
  /// The median and three median absolute deviations of the shifts' sizes: a high percentile of a
  /// few dozen comparisons would be a single outlier. Never below `floor`, rounded up to a tenth of
  /// a percent; the limit leaves room for the interval beside the tolerance.
  package static func learned(
    from comparisons: [SelfComparison], comparison: ComparisonMethod, floor: Double = 0.005,
    limit: Double = 0.03
  ) -> Thresholds {
    Thresholds(
      comparisons.filter { !$0.shifts.isEmpty }.map { own in
        let sizes = own.shifts.map { expm1($0.magnitude) }
        let noise = median(sizes) + 3 * medianAbsoluteDeviation(sizes)
        let tolerance = (max(floor, noise) * 1000 - 1e-9).rounded(.up) / 1000
        return (own.metric, tolerance)
      }.sorted { $0.0 < $1.0 }.map { metric, tolerance in
        Line(
          metric: metric, kind: .time, comparison: comparison, tolerance: tolerance,
          limit: max(limit, 2 * tolerance))
      })
  }

  /// The text of a file of thresholds, a line for each line, below comments that say its origin.
  package func text(comments: [String] = []) -> String {
    comments.map { "# \($0)\n" }.joined() + "thresholds:\n" + lines.map(text).joined()
  }

  private func text(_ line: Line) -> String {
    var keys = ["metric: \(quoted(line.metric))"]
    if let kind = line.kind { keys.append("kind: \(kind.rawValue)") }
    if let comparison = line.comparison { keys.append("comparison: \(comparison.rawValue)") }
    if let tolerance = line.tolerance { keys.append("tolerance_percent: \(percent(tolerance))") }
    if let limit = line.limit { keys.append("limit_percent: \(percent(limit))") }
    return "  - {\(keys.joined(separator: ", "))}\n"
  }

  /// To a millionth of a percent, without zeros at the end.
  private func percent(_ share: Double) -> String {
    var text = Format.fixed(share * 100, 6)
    while text.last == "0" { text.removeLast() }
    if text.last == "." { text.removeLast() }
    return text
  }

  private func quoted(_ text: String) -> String {
    "\"\(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
  }
}
