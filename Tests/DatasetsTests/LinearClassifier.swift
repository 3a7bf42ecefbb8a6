@testable import Datasets

#if canImport(Glibc)
  import Glibc
#endif

/// An example as a classifier sees it: which features are there, and the label's index.
struct Row {
  let features: [Int]
  let label: Int
}

/// Numbers features in the order in which they are met.
struct FeatureEncoder {
  private var indices: [String: Int] = [:]

  var count: Int { indices.count }

  mutating func encode(_ features: Set<String>, _ label: EntailmentLabel) -> Row {
    var row: [Int] = []
    for feature in features.sorted() {
      if indices[feature] == nil { indices[feature] = indices.count }
      indices[feature].map { row.append($0) }
    }
    return Row(features: row, label: EntailmentLabel.allCases.firstIndex(of: label) ?? 0)
  }
}

/// One weight for each feature and label; the label with the largest sum wins.
struct LinearClassifier {
  private var weights: [SIMD3<Double>]
  private var bias: SIMD3<Double>

  /// Log-odds of the features' counts, with one added to each count.
  init(naiveBayes rows: [Row], featureCount: Int) {
    var counts = [SIMD3<Double>](repeating: .one, count: featureCount)
    var totals = SIMD3<Double>.zero
    for row in rows {
      totals[row.label] += 1
      for feature in row.features { counts[feature][row.label] += 1 }
    }
    let ofLabel = totals
    weights = counts.map { count in
      SIMD3((0..<3).map { log(count[$0] / (ofLabel[$0] + 2)) })
    }
    bias = SIMD3((0..<3).map { log(ofLabel[$0] / Double(rows.count)) })
  }

  /// Five passes of stochastic gradient descent on the cross-entropy, the rate falling to nought.
  init(logisticRegression rows: [Row], featureCount: Int) {
    weights = Array(repeating: .zero, count: featureCount)
    bias = .zero
    let steps = 5 * rows.count
    for step in 0..<steps {
      let row = rows[step % rows.count]
      let scores = scores(of: row)
      let exponentials = SIMD3((0..<3).map { exp(scores[$0] - scores.max()) })
      var gradient = exponentials / exponentials.sum()
      gradient[row.label] -= 1
      let change = gradient * (0.1 * Double(steps - step) / Double(steps))
      bias -= change
      for feature in row.features { weights[feature] -= change }
    }
  }

  func accuracy(on rows: [Row]) -> Double {
    let right = rows.count { row in
      let scores = scores(of: row)
      return scores[row.label] == scores.max()
    }
    return Double(right) / Double(rows.count)
  }

  /// Features that were not in training have no weight.
  private func scores(of row: Row) -> SIMD3<Double> {
    row.features.reduce(bias) { $1 < weights.count ? $0 + weights[$1] : $0 }
  }
}
