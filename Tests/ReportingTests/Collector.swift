import Synchronization

/// Keeps what would have been written.
final class Collector: Sendable {
  private let pieces = Mutex<[String]>([])

  var all: [String] { pieces.withLock { $0 } }

  func write(_ text: String) { pieces.withLock { $0.append(text) } }
}
