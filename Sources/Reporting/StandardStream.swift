internal import Glibc

/// A file descriptor that text goes to, with everything `write(2)` may do short of writing it all.
///
/// Results go to ``output``, progress and log to ``error``; the two are never mixed.
package struct StandardStream: Sendable {
  package static let output = StandardStream(descriptor: 1, name: "standard output")
  package static let error = StandardStream(descriptor: 2, name: "standard error")

  package let descriptor: Int32
  package let name: String

  package init(descriptor: Int32, name: String) {
    self.descriptor = descriptor
    self.name = name
  }

  /// Makes a closed pipe an error of `write` instead of the end of the process.
  ///
  /// Call once in `main`.
  package static func ignoreBrokenPipes() {
    signal(SIGPIPE, SIG_IGN)
  }

  /// Writes all of the text, unbuffered; goes on after signals and partial writes.
  ///
  /// A non-blocking descriptor is waited for.
  package func write(_ text: String) throws(ReportingError) {
    var text = text
    let code = text.withUTF8 { writeAll(UnsafeRawBufferPointer($0)) }
    if code != 0 { throw ReportingError.write(stream: name, code: code) }
  }

  /// Writes all of the bytes, as `write` does a text.
  package func write(bytes: [UInt8]) throws(ReportingError) {
    let code = bytes.withUnsafeBytes { writeAll($0) }
    if code != 0 { throw ReportingError.write(stream: name, code: code) }
  }

  /// Writes the result of a command; ends the process with exit code 1 when that is impossible.
  ///
  /// Silent if the reader has gone, otherwise says why on standard error.
  package func writeOrExit(_ text: String) {
    do {
      try write(text)
    } catch {
      if !error.isBrokenPipe { try? StandardStream.error.write("error: \(error)\n") }
      exit(1)
    }
  }

  /// Returns 0 or the `errno` that stopped the write.
  private func writeAll(_ bytes: UnsafeRawBufferPointer) -> Int32 {
    var rest = bytes[...]
    while !rest.isEmpty {
      let written = Glibc.write(
        descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      if written >= 0 {
        rest = rest.dropFirst(written)
      } else if errno == EAGAIN {
        waitUntilWritable()
      } else if errno != EINTR {
        return errno
      }
    }
    return 0
  }

  private func waitUntilWritable() {
    var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    _ = poll(&request, 1, -1)
  }
}
