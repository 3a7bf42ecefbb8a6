import FoundationEssentials
import Glibc

/// A value as one line of JSON, without its end.
func encodedLine(_ value: some Encodable) -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  guard let data = try? encoder.encode(value) else {
    preconditionFailure("\(value) cannot be written as JSON")
  }
  return String(decoding: data, as: UTF8.self)
}

/// Writes a line and its end; 0, or the `errno` that stopped it.
func writeLine(_ line: String, to descriptor: Int32) -> Int32 {
  let bytes = Array(line.utf8) + [UInt8(ascii: "\n")]
  var written = 0
  while written < bytes.count {
    let count = bytes.withUnsafeBytes {
      write(descriptor, $0.baseAddress.map { $0 + written }, bytes.count - written)
    }
    if count >= 0 { written += count } else if errno != EINTR { return errno }
  }
  return 0
}

/// Lines from a pipe.
struct LineReader {
  let descriptor: Int32
  private var buffer: [UInt8] = []
  /// Without a line feed in the first so many bytes of `buffer`.
  private var searched = 0

  /// No reply is longer: whatever writes so much writes something else.
  private static let longestLine = 1 << 26

  enum Outcome: Equatable {
    /// Without its end.
    case line(String)
    /// With what stood behind the last line end.
    case end(rest: String)
    case timeout
    case tooLong
    case failed(errno: Int32)
  }

  init(descriptor: Int32) { self.descriptor = descriptor }

  /// Waits for the next line, no longer than until `deadline` on the monotonic clock.
  mutating func next(before deadline: Double = .infinity) -> Outcome {
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
        let line = String(decoding: buffer[..<end], as: UTF8.self)
        buffer.removeSubrange(...end)
        searched = 0
        return .line(line)
      }
      searched = buffer.count
      guard buffer.count < Self.longestLine else { return .tooLong }
      guard isReadable(before: deadline) else { return .timeout }
      let count = read(descriptor, &block, block.count)
      if count > 0 {
        buffer += block[..<count]
      } else if count == 0 {
        return .end(rest: String(decoding: buffer, as: UTF8.self))
      } else if errno != EINTR {
        return .failed(errno: errno)
      }
    }
  }

  private func isReadable(before deadline: Double) -> Bool {
    guard deadline < .infinity else { return true }
    while true {
      let left = deadline - seconds()
      guard left > 0 else { return false }
      var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      if poll(&request, 1, Int32(min(left * 1000 + 1, 1e9))) > 0 { return true }
    }
  }
}
