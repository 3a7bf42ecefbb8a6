package import Configuration

/// What can go wrong with a pod, a host or the placement of ranks on it.
package enum TopologyError: Error, Sendable, Equatable {
  /// Neither a built-in topology nor one of the user's own.
  case unknownName(String, known: [String], didYouMean: String?)
  /// A topology file that is missing or wrong, with the place.
  case file(ConfigurationError)
  /// A measured host's file that lacks what a step is timed by.
  case noTable(file: String, kind: String, elementType: String)
  /// A synthetic host that hwloc cannot build.
  case badHost(String, reason: String)
  /// Ranks, workers or processing units that do not fit together.
  case badPlacement(String)
  /// This machine does not let itself be looked at.
  case unavailable(String)

  /// The exit status (sysexits.h): 64 usage, 65 bad data, 66 missing input, 69 unavailable.
  package var exitStatus: Int32 {
    switch self {
    case .unknownName, .badHost, .badPlacement: 64
    case .file(let error): error.exitStatus
    case .noTable: 65
    case .unavailable: 69
    }
  }
}

extension TopologyError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .unknownName(let name, let known, let suggestion):
      "no topology is named '\(name)', expected one of \(known.joined(separator: ", "))"
        + " or the path of a .yml file" + (suggestion.map { ", did you mean '\($0)'?" } ?? "")
    case .file(let error): error.description
    case .noTable(let file, let kind, let type):
      "\(file) has no table '\(kind)' in \(type), expected one of each kind: "
        + "write the file anew with 'gptj-bench topology measure'"
    case .badHost(let text, let reason): "the host '\(text)' cannot be built: \(reason)"
    case .badPlacement(let reason): reason
    case .unavailable(let reason): reason
    }
  }
}
