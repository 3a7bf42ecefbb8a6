/// Messages for a person, one per line on standard error; swift-log's levels and their meaning.
package struct Log: Sendable {
  package enum Level: String, CaseIterable, Comparable, Sendable {
    case trace, debug, info, notice, warning, error, critical

    package static func < (left: Level, right: Level) -> Bool { left.rank < right.rank }

    private var rank: Int { Level.allCases.firstIndex(of: self) ?? 0 }

    fileprivate var style: TextStyle? {
      switch self {
      case .trace, .debug: .dim
      case .info, .notice: nil
      case .warning: .yellow
      case .error, .critical: .red
      }
    }
  }

  /// Messages below this level are dropped without being built.
  package var level: Level
  private let terminal: Terminal
  private let sink: @Sendable (String) -> Void

  /// Logs to standard error unless another place is given; a line that cannot be written is lost.
  package init(
    level: Level = .notice, terminal: Terminal = .none,
    sink: @escaping @Sendable (String) -> Void = { try? StandardStream.error.write($0) }
  ) {
    self.level = level
    self.terminal = terminal
    self.sink = sink
  }

  /// Writes `level: message`, in one piece, with line breaks of the message indented.
  package func log(_ level: Level, _ message: @autoclosure () -> String) {
    guard level >= self.level else { return }
    let name = level.style.map { terminal.styled(level.rawValue, $0) } ?? level.rawValue
    sink("\(name): \(message().replacing("\n", with: "\n  "))\n")
  }
}

extension Log {
  package func trace(_ message: @autoclosure () -> String) { log(.trace, message()) }
  package func debug(_ message: @autoclosure () -> String) { log(.debug, message()) }
  package func info(_ message: @autoclosure () -> String) { log(.info, message()) }
  package func notice(_ message: @autoclosure () -> String) { log(.notice, message()) }
  package func warning(_ message: @autoclosure () -> String) { log(.warning, message()) }
  package func error(_ message: @autoclosure () -> String) { log(.error, message()) }
  package func critical(_ message: @autoclosure () -> String) { log(.critical, message()) }
}
