import Glibc
package import Regression

/// How a process came to its end.
package enum ProcessEnding: Equatable, Sendable, CustomStringConvertible {
  case code(Int32)
  case signal(Int32)

  /// Of `waitpid`.
  init(_ status: Int32) {
    let signal = status & 0x7f
    self = signal == 0 ? .code(status >> 8 & 0xff) : .signal(signal)
  }

  package var description: String {
    switch self {
    case .code(let code): "the process ended with code \(code)"
    case .signal(let signal): "the process was killed by signal \(signal)"
    }
  }
}

/// Why a benchmark process gave no reply.
package enum BenchmarkProcessError: Error, Equatable, CustomStringConvertible {
  case cannotStart(path: String, errno: Int32)
  /// It ended with code 64, bad use, before its first reply: an older build.
  case doesNotServe(path: String)
  case ended(path: String, ProcessEnding)
  case noReply(path: String, request: BenchmarkRequest, seconds: Double)
  case malformedReply(path: String, request: BenchmarkRequest, reply: String)
  case otherSchema(path: String, theirs: Int, ours: Int)
  /// It replied that it cannot do what any benchmark process can.
  case refused(path: String, reason: String)

  /// The executable that is to blame.
  package var path: String {
    switch self {
    case .cannotStart(let path, _), .doesNotServe(let path), .ended(let path, _),
      .noReply(let path, _, _), .malformedReply(let path, _, _), .otherSchema(let path, _, _),
      .refused(let path, _):
      path
    }
  }

  package var description: String { "\(path): \(reason)" }

  /// The same without the executable's path.
  package var reason: String {
    switch self {
    case .cannotStart(_, let code): "cannot be started: \(String(cString: strerror(code)))"
    case .doesNotServe:
      "does not know `bench --serve`; expected a gptj-bench that has the command bench"
    case .ended(_, let ending): "\(ending)"
    case .noReply(_, let request, let seconds):
      "the process was ended: no reply to \(encodedLine(request)) within \(seconds) s"
    case .malformedReply(_, let request, let reply):
      "to \(encodedLine(request)) the process replied '\(reply.prefix(120))', "
        + "expected one line of JSON that answers it"
    case .otherSchema(_, let theirs, let ours):
      "its messages have schema_version \(theirs), expected \(ours)"
    case .refused(_, let reason): reason
    }
  }
}
