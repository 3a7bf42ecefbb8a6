import NearestName
package import Regression

/// Which benchmarks to run: those of some suites whose names have a text in them.
package struct BenchmarkSelection: Sendable, Equatable {
  /// All where it is empty.
  package var suites: [String]
  package var filter: String?

  package init(suites: [String] = [], filter: String? = nil) {
    self.suites = suites
    self.filter = filter
  }

  /// What of `entries` is wanted; never nothing.
  ///
  /// - Throws: `NothingSelected` for a suite that is not there, and where no name has the text.
  package func callAsFunction(
    _ entries: [BenchmarkListing.Entry]
  ) throws(NothingSelected) -> [BenchmarkListing.Entry] {
    var known: [String] = []
    for entry in entries where !known.contains(entry.suite) { known.append(entry.suite) }
    for suite in suites where !known.contains(suite) {
      let meant = nearest(suite, in: known).map { ", did you mean \($0)?" } ?? "."
      throw NothingSelected(
        "there is no suite \(suite)\(meant) Expected \(known.joined(separator: ", "))")
    }
    let ofSuites = entries.filter { suites.isEmpty || suites.contains($0.suite) }
    guard let filter else { return try some(ofSuites, "there are no benchmarks") }
    let wanted = ofSuites.filter { $0.name.contains(filter) }
    let words = ofSuites.flatMap { [$0.name, String($0.name.drop { $0 != "/" }.dropFirst())] }
    let meant = nearest(filter, in: words).map { ", did you mean \($0)?" } ?? ""
    return try some(
      wanted, "none of \(ofSuites.count) benchmarks has '\(filter)' in its name\(meant)")
  }

  private func some(
    _ entries: [BenchmarkListing.Entry], _ reason: String
  ) throws(NothingSelected) -> [BenchmarkListing.Entry] {
    if entries.isEmpty { throw NothingSelected(reason) }
    return entries
  }
}

/// A selection that leaves nothing to run.
package struct NothingSelected: Error, Equatable, CustomStringConvertible {
  package let description: String

  init(_ description: String) { self.description = description }
}
