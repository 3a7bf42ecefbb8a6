package import Reporting

extension Comparison {
  /// What came out, in a sentence or two.
  package var summary: String {
    let compared = metrics.count { $0.verdict != .new }
    let of = { (verdict: Verdict) in self.metrics.filter { $0.verdict == verdict } }
    let all = counted(compared, "metric")
    switch outcome {
    case .notComparable where problems.isEmpty:
      return "Not comparable: nothing was compared."
    case .notComparable: return "Not comparable, \(counted(problems.count, "reason")):"
    case .regression: return "Regression: \(of(.regression).count) of \(all) worse."
    case .inconclusive:
      return "Inconclusive: \(of(.inconclusive).count) of \(all) too noisy to tell; measure longer "
        + "or on a quieter machine."
    case .better:
      return
        "Better: \(of(.better).count) of \(all). Refresh the baseline, so that the gain is not "
        + "lost again: compare BASE NEW --refresh-baseline."
    case .same: return "Same: \(all)."
    }
  }

  /// The summary, what is to be said, and a table of what changed; all metrics if `verbose`.
  package func text(verbose: Bool = false, terminal: Terminal = .none) -> String {
    let shown = verbose ? metrics : metrics.filter { $0.verdict != .same }
    var text = terminal.styled(summary, outcome.style) + "\n"
    text += problems.map { "  \($0)\n" }.joined()
    if !shown.isEmpty { text += "\n" + table(shown).text() }
    let unchanged = metrics.count - shown.count
    if unchanged > 0 { text += shown.isEmpty ? "" : "\n" }
    if unchanged > 0 { text += "\(counted(unchanged, "metric")) within tolerance.\n" }
    return footnotes.isEmpty ? text : text + "\n" + footnotes.map { "\($0)\n" }.joined()
  }

  /// For a pull request: what changed in a table, the rest to unfold.
  package func markdown() -> String {
    let changed = metrics.filter { $0.verdict != .same }
    let same = metrics.filter { $0.verdict == .same }
    var text = "**\(escaped(summary))**\n"
    if !problems.isEmpty { text += "\n" + problems.map { "- \(escaped($0))\n" }.joined() }
    if !changed.isEmpty { text += "\n" + table(changed).markdown() }
    if !same.isEmpty {
      text +=
        "\n<details><summary>\(counted(same.count, "metric")) within tolerance</summary>\n\n"
        + table(same).markdown() + "\n</details>\n"
    }
    return footnotes.isEmpty ? text : text + "\n" + footnotes.map { "\(escaped($0))\n" }.joined()
  }

  private var footnotes: [String] {
    let isCalibrated = metrics.contains { $0.isCalibrated }
    return notes
      + (isCalibrated
        ? ["Changes of times are those of their ratios to the calibration kernel."] : [])
  }

  private func table(_ metrics: [MetricComparison]) -> Table {
    var table = Table([
      .init("metric"), .init("base", .right), .init("new", .right), .init("change", .right),
      .init("interval", .right), .init("verdict"),
    ])
    for metric in metrics { table.add(metric.cells) }
    return table
  }

  /// Plans and reasons come from files: no character of theirs is markup.
  private func escaped(_ text: String) -> String {
    var result = ""
    for character in text {
      if "\\`*_[]<>|#&".contains(character) { result.append("\\") }
      result.append(character.isNewline ? " " : character)
    }
    return result
  }
}

extension ComparisonOutcome {
  fileprivate var style: TextStyle {
    switch self {
    case .same, .better: .green
    case .regression, .notComparable: .red
    case .inconclusive: .yellow
    }
  }
}
