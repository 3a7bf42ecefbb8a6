import Glibc
import Testing

@testable import Reporting

struct StandardStreamTests {
  private func makePipe() throws -> (reader: Int32, writer: Int32) {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    return (ends[0], ends[1])
  }

  @Test("A text larger than the pipe arrives whole, blocking or not", arguments: [0, O_NONBLOCK])
  func large(flag: Int32) throws {
    let text = String(repeating: "0123456789µ", count: 100_000)
    let (reader, writer) = try makePipe()
    try #require(fcntl(writer, F_SETFL, flag) == 0)
    let reading = ReaderThread(reader)
    try StandardStream(descriptor: writer, name: "pipe").write(text)
    close(writer)
    // Not `==`: a difference of a million bytes would take minutes to print.
    #expect(reading.join().elementsEqual(text.utf8))
  }

  @Test("A reader that has gone is a broken pipe, not the end of the process")
  func brokenPipe() throws {
    StandardStream.ignoreBrokenPipes()
    let (reader, writer) = try makePipe()
    close(reader)
    let stream = StandardStream(descriptor: writer, name: "pipe")
    let error = #expect(throws: ReportingError.self) { try stream.write("x") }
    #expect(error == .write(stream: "pipe", code: EPIPE))
    #expect(error?.isBrokenPipe == true)
    close(writer)
  }

  @Test("A closed descriptor is an error with the system's words")
  func closed() {
    let stream = StandardStream(descriptor: -1, name: "standard output")
    let error = #expect(throws: ReportingError.self) { try stream.write("x") }
    #expect(error?.description == "cannot write to standard output: Bad file descriptor")
    #expect(throws: Never.self) { try stream.write("") }
  }

  @Test("A result that cannot be written ends the process with code 1")
  func closedOutput() async {
    await #expect(processExitsWith: .exitCode(1)) {
      close(1)
      StandardStream.output.writeOrExit("result\n")
    }
  }

  @Test("A full device ends the process with code 1 and a reason")
  func fullDevice() async throws {
    let result = try await #require(
      processExitsWith: .exitCode(1), observing: [\.standardErrorContent]
    ) {
      dup2(open("/dev/full", O_WRONLY), 1)
      StandardStream.output.writeOrExit("result\n")
    }
    let message = String(decoding: result.standardErrorContent, as: UTF8.self)
    #expect(message.contains("error: cannot write to standard output: No space left on device"))
  }

  @Test("A reader that has gone ends the process with code 1, silently")
  func brokenPipeExit() async throws {
    let result = try await #require(
      processExitsWith: .exitCode(1), observing: [\.standardErrorContent]
    ) {
      StandardStream.ignoreBrokenPipes()
      var ends: [Int32] = [0, 0]
      try #require(pipe(&ends) == 0)
      close(ends[0])
      dup2(ends[1], 1)
      StandardStream.output.writeOrExit("result\n")
    }
    #expect(!String(decoding: result.standardErrorContent, as: UTF8.self).contains("error"))
  }
}

/// Reads a descriptor to its end on a thread of its own.
///
/// A task would not do: with all pool threads blocked in writes, none is left to read.
private final class ReaderThread {
  private final class Received {
    let descriptor: Int32
    var bytes: [UInt8] = []
    init(_ descriptor: Int32) { self.descriptor = descriptor }
  }

  private let received: Received
  private var thread = pthread_t()

  init(_ descriptor: Int32) {
    received = Received(descriptor)
    let context = Unmanaged.passRetained(received).toOpaque()
    pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        let received = Unmanaged<Received>.fromOpaque(context).takeRetainedValue()
        var buffer = [UInt8](repeating: 0, count: 4096)
        while case let count = read(received.descriptor, &buffer, buffer.count), count > 0 {
          received.bytes += buffer[..<count]
        }
        return nil
      }, context)
  }

  func join() -> [UInt8] {
    pthread_join(thread, nil)
    close(received.descriptor)
    return received.bytes
  }
}
