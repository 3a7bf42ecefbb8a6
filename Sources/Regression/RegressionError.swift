package import Configuration

/// Why nothing could be compared.
package enum RegressionError: Error, Sendable, Equatable {
  /// A file or directory that is not there or cannot be read.
  case unreadable(file: String, reason: String)
  /// A file that is not a result: what is wrong, and what was expected.
  case malformed(file: String, problem: String, expected: String)
  /// Two results that do not belong together.
  case notComparable(String)
  /// A thresholds file that is missing or wrong, with the place.
  case thresholds(ConfigurationError)

  /// The exit status (sysexits.h): 65 bad data, 66 missing input.
  package var exitStatus: Int32 {
    switch self {
    case .unreadable: 66
    case .malformed, .notComparable: 65
    case .thresholds(let error): error.exitStatus
    }
  }
}

extension RegressionError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .unreadable(let file, let reason): "\(file): cannot read it: \(reason)"
    case .malformed(let file, let problem, let expected):
      "\(file): \(problem), expected \(expected)"
    case .notComparable(let reason): reason
    case .thresholds(let error): error.description
    }
  }
}
