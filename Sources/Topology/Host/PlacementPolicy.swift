import Configuration
import NearestName

/// How ranks are laid on the host's processing units.
package enum PlacementPolicy: Sendable, Equatable {
  /// Fills one NUMA node after the other and keeps a tensor-parallel group on one node if it fits.
  case compact
  /// Deals workers to packages and NUMA nodes in turn, for the most memory bandwidth.
  case scatter
  /// These units in this order, one worker each, by the system's numbers.
  case explicit([Int])

  /// Reads `compact`, `scatter` or `explicit:0-3,8`; the list alone is also accepted.
  package init(parsing text: String) throws(TopologyError) {
    switch text {
    case "compact": self = .compact
    case "scatter": self = .scatter
    default:
      let prefix = "explicit:"
      let list = text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : text
      guard list.first?.isASCII == true, list.first?.isNumber == true else {
        let hint = nearest(text, in: ["compact", "scatter"])
        throw .badPlacement(
          "the placement '\(text)' is unknown, expected compact, scatter or a list such as"
            + " explicit:0-3,8" + (hint.map { ", did you mean '\($0)'?" } ?? ""))
      }
      self = .explicit(try Self.units(in: list))
    }
  }

  /// The largest number of a processing unit that is read: Linux stops far below it.
  static let largestUnit = 65_535

  /// Expands `0-3,8`; does not look for units that are named twice.
  static func units(in list: String) throws(TopologyError) -> [Int] {
    var units: [Int] = []
    for part in list.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard ends.count <= 2, let first = ends.first ?? nil, let last = ends.last ?? nil,
        first <= last, 0...largestUnit ~= first, last <= largestUnit
      else {
        throw .badPlacement(
          "'\(part)' in the placement '\(list)' names no units, expected numbers from 0 to"
            + " \(largestUnit) or ranges such as 0-3")
      }
      units += first...last
      guard units.count <= largestUnit + 1 else {
        throw .badPlacement("the placement '\(list)' names a unit twice")
      }
    }
    return units
  }
}
