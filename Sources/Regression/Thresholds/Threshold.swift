/// What one metric may do, as shares: 0.01 is one percent.
package struct Threshold: Sendable, Equatable {
  /// A change below it is no regression.
  package var tolerance: Double
  /// The smallest slowdown that a passing comparison rules out; of times only.
  package var limit: Double

  package init(tolerance: Double, limit: Double) {
    self.tolerance = tolerance
    self.limit = limit
  }
}

/// How the samples of two sides belong together.
package enum ComparisonMethod: String, Codable, CaseIterable, Sendable {
  /// Two results, each measured by itself.
  case stored
  /// Two binaries that took turns, round by round.
  case paired
}

/// Whether a name has the form of a pattern in which `*` stands for any characters, or none.
func matches(_ name: String, pattern: String) -> Bool {
  let parts = pattern.utf8.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false)
  var rest = name.utf8[...]
  guard let first = parts.first, rest.starts(with: first) else { return false }
  rest = rest.dropFirst(first.count)
  guard parts.count > 1, let last = parts.last else { return rest.isEmpty }
  // The earliest place for each part leaves the most for those after it.
  for part in parts.dropFirst().dropLast() where !part.isEmpty {
    while !rest.starts(with: part) {
      guard !rest.isEmpty else { return false }
      rest = rest.dropFirst()
    }
    rest = rest.dropFirst(part.count)
  }
  return rest.count >= last.count && rest.suffix(last.count).elementsEqual(last)
}
