internal import Glibc

/// What can go wrong while a report is written.
package enum ReportingError: Error, Equatable, CustomStringConvertible {
  /// The system refused a write; `code` is its `errno`.
  case write(stream: String, code: Int32)
  /// A value could not be turned into JSON.
  case encode(reason: String)

  /// Whether the reader has gone away (`gptj-bench ... | head`), which deserves no message.
  package var isBrokenPipe: Bool {
    if case .write(_, EPIPE) = self { true } else { false }
  }

  package var description: String {
    switch self {
    case .write(let stream, let code):
      "cannot write to \(stream): \(String(cString: strerror(code)))"
    case .encode(let reason): "cannot encode as JSON: \(reason)"
    }
  }
}
