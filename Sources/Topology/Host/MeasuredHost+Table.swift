import Glibc

extension MeasuredHost.Table {
  /// The rate at a shape: between entries straight in the logarithms, beyond them that of the edge.
  package func rate(at point: [Int]) -> Double {
    precondition(point.count == axes.count, "\(kind.rawValue) has \(axes.count) axes")
    var corners: [(index: Int, weight: Double)] = [(0, 1)]
    for (axis, value) in zip(axes, point) {
      let (low, share) = Self.place(of: value, on: axis)
      corners = corners.flatMap { corner in
        let first = (corner.index * axis.count + low, corner.weight * (1 - share))
        return share == 0
          ? [first] : [first, (corner.index * axis.count + low + 1, corner.weight * share)]
      }
    }
    return exp(corners.reduce(0) { $0 + log(rates[$1.index]) * $1.weight })
  }

  /// The entry at or below a value, and how far towards the next one.
  private static func place(of value: Int, on axis: [Int]) -> (low: Int, share: Double) {
    guard let next = axis.firstIndex(where: { $0 > value }) else { return (axis.count - 1, 0) }
    guard next > 0 else { return (0, 0) }
    let (from, to) = (Double(axis[next - 1]), Double(axis[next]))
    return (next - 1, log(Double(value) / from) / log(to / from))
  }
}
