/// Ranks of values from 1, equal ones sharing the mean of theirs.
struct Ranks {
  /// Twice the rank of each value, so that shared ranks are integers.
  let doubled: [Int]
  /// Sum of t^3 - t over the groups of t equal values: what ties take from a variance.
  let tieTerm: Double

  init(_ values: [Double]) {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var doubled = [Int](repeating: 0, count: values.count)
    var tieTerm = 0.0
    var start = 0
    while start < order.count {
      var end = start + 1
      while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
      for index in order[start..<end] { doubled[index] = start + end + 1 }
      let size = Double(end - start)
      tieTerm += size * size * size - size
      start = end
    }
    self.doubled = doubled
    self.tieTerm = tieTerm
  }
}
