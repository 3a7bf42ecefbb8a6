/// Order statistics of a metric's samples.
package struct SampleSummary: Sendable, Equatable {
  private let sorted: [Double]

  package init(_ samples: [Double]) {
    precondition(!samples.isEmpty, "no samples")
    sorted = samples.sorted()
  }

  /// The sample that `share` of all are at most as large as; the median of an even number is the
  /// upper one.
  package func percentile(_ share: Double) -> Double {
    sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
  }

  package var median: Double { percentile(0.5) }

  /// Half the width of the median's 95 % interval as a share of it, 0 for a median of 0.
  ///
  /// By order statistics, as many samples below as a fair coin gives (normal approximation).
  package var spread: Double {
    let count = Double(sorted.count)
    let half = 0.98 * count.squareRoot()
    let low = sorted[max(0, Int(count / 2 - half))]
    let high = sorted[min(sorted.count - 1, Int(count / 2 + half))]
    return median > 0 ? (high - low) / 2 / median : 0
  }
}
