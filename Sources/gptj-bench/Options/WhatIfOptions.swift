import ArgumentParsing
import GPTJ

extension WhatIf: ExpressibleByArgument {}

/// A what-if by name, or a request to rank them.
enum WhatIfArgument: Equatable, ExpressibleByArgument {
  case one(WhatIf)
  /// Each alone.
  case all
  /// Each alone, and every legal pair.
  case pairs

  init?(argument: String) {
    switch argument {
    case "all": self = .all
    case "pairs": self = .pairs
    default:
      guard let whatIf = WhatIf(rawValue: argument) else { return nil }
      self = .one(whatIf)
    }
  }

  static let allValueStrings = WhatIf.allCases.map(\.rawValue) + ["all", "pairs"]

  var whatIf: WhatIf? { if case .one(let whatIf) = self { whatIf } else { nil } }
}

extension WorkloadOptions {
  /// Those that are to be applied.
  var whatIfs: [WhatIf] { whatIf.compactMap(\.whatIf) }

  /// Whether the others are to be ranked on top of them, and whether in pairs; nil for no ranking.
  var ranksPairs: Bool? {
    whatIf.contains(.pairs) ? true : whatIf.contains(.all) ? false : nil
  }

  /// - Throws: `ValidationError` where a ranking is asked of a command that has none.
  func refuseRanking() throws {
    guard ranksPairs == nil else {
      throw ValidationError("--what-if all and pairs are for estimate, expected names")
    }
  }
}
