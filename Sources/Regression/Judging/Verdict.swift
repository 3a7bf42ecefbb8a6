/// What a comparison says of one metric.
package enum Verdict: String, Codable, Sendable {
  case same
  case better
  case regression
  /// Too noisy, or too few samples, to tell the tolerance from the limit.
  case inconclusive
  /// Not in the base: nothing to compare with.
  case new
}

/// What a comparison says of all metrics together.
package enum ComparisonOutcome: String, Codable, Sendable {
  case same
  case better
  case regression
  case inconclusive
  /// Something of the base is missing or different, or nothing was compared at all.
  case notComparable = "not_comparable"

  /// The exit status of `gptj-bench compare`.
  package var exitStatus: Int32 {
    switch self {
    case .same, .better: 0
    case .regression: 2
    case .inconclusive: 3
    case .notComparable: 65
    }
  }
}

/// How the two sides are compared.
package struct ComparisonOptions: Sendable, Equatable {
  /// Counts only: they hold on every machine.
  package var countsOnly = false
  /// Goes on where the machines differ, and says so.
  package var allowsDifferentMachine = false
  /// The chance of any wrong interval among all metrics, from 0 to 1.
  ///
  /// A false alarm is rarer still: the interval must lie beyond the tolerance.
  package var error = 0.05
  /// How often at most the same growing samples are judged: each look takes its share of `error`.
  package var looks = 1

  package init() {}
}
