internal import Glibc

/// All metrics of two sides, judged together.
package struct Comparison: Sendable, Equatable {
  /// In the order of the base, then what is new.
  package var metrics: [MetricComparison] = []
  /// What cannot be compared, by name; one of them is enough for ``ComparisonOutcome/notComparable``.
  package var problems: [String] = []
  /// What a reader has to know beside the figures.
  package var notes: [String] = []

  package var outcome: ComparisonOutcome {
    let verdicts = metrics.map(\.verdict).filter { $0 != .new }
    if !problems.isEmpty || verdicts.isEmpty { return .notComparable }
    if verdicts.contains(.regression) { return .regression }
    if verdicts.contains(.inconclusive) { return .inconclusive }
    return verdicts.contains(.better) ? .better : .same
  }

  /// Times that more rounds may still decide, or decide otherwise: an estimate beyond the tolerance is
  /// not left at that for the first interval that ends below the limit.
  package var undecided: [MetricName] {
    metrics.filter { metric in
      guard let shift = metric.slowdown?.shift else { return metric.verdict == .inconclusive }
      return metric.verdict == .inconclusive
        || metric.verdict == .same && shift > log1p(metric.threshold.tolerance)
    }.map(\.name)
  }

  /// Times that look slower, to be confirmed by rounds of their own.
  package var unconfirmed: [MetricName] {
    metrics.filter { $0.verdict == .regression && $0.kind == .time }.map(\.name)
  }

  /// The comparison after a look at second, independent rounds of its ``unconfirmed`` metrics.
  ///
  /// A slower time stays a regression only where the second rounds alone say so too; otherwise it is
  /// what they say it is.
  package func confirmed(by second: Comparison) -> Comparison {
    var result = self
    for index in result.metrics.indices where unconfirmed.contains(result.metrics[index].name) {
      let name = result.metrics[index].name
      let again = second.metrics.first { $0.name == name }
      let verdict = again?.verdict ?? .inconclusive
      guard verdict != .regression else { continue }
      result.metrics[index].verdict = verdict == .better ? .same : verdict
      result.notes.append("\(name): slower at first, not confirmed by the second rounds.")
    }
    return result
  }
}

extension Comparison: Encodable {
  private enum CodingKeys: String, CodingKey {
    case outcome, metrics, problems, notes
  }

  package func encode(to encoder: any Encoder) throws {
    var keys = encoder.container(keyedBy: CodingKeys.self)
    try keys.encode(outcome, forKey: .outcome)
    try keys.encode(metrics, forKey: .metrics)
    try keys.encode(problems, forKey: .problems)
    try keys.encode(notes, forKey: .notes)
  }
}
