import Glibc

/// A file without a name in some directory, which is gone when the process is.
///
/// It goes around the page cache where the file system lets it: what was written is not kept a second
/// time in memory.
final class StreamingFile: Sendable {
  private let descriptor: Int32
  /// Of offsets, counts and addresses.
  static let alignment = 4096
  /// A transfer's bytes, large enough for a disk to run at its rate.
  private static let transfer = 8 << 20

  /// - Throws: `EmulatorError.streamingFile` where the directory cannot hold that much.
  init(directory: String, bytes: Int) throws(EmulatorError) {
    func failure() -> EmulatorError {
      .streamingFile(directory: directory, bytes: bytes, errno: errno)
    }
    var path = Array("\(directory)/gptj-bench-XXXXXX".utf8CString)
    let plain = mkstemp(&path)
    guard plain >= 0 else { throw failure() }
    let direct = open(path, O_RDWR | O_CLOEXEC | Self.direct)
    unlink(path)
    if direct >= 0 { close(plain) }
    let opened = direct >= 0 ? direct : plain
    let code = posix_fallocate(opened, 0, bytes)
    guard code == 0 else {
      close(opened)
      errno = code
      throw failure()
    }
    descriptor = opened
  }

  deinit { close(descriptor) }

  /// Reads a whole range, or says what went wrong.
  func read(_ range: Range<Int>, into start: UnsafeMutableRawPointer) -> Int32? {
    transfer(range) { pread(descriptor, start + $0, $1, range.lowerBound + $0) }
  }

  /// Writes a whole range, or says what went wrong.
  func write(_ range: Range<Int>, from start: UnsafeRawPointer) -> Int32? {
    transfer(range) { pwrite(descriptor, start + $0, $1, range.lowerBound + $0) }
  }

  private func transfer(
    _ range: Range<Int>, _ move: (_ done: Int, _ bytes: Int) -> Int
  ) -> Int32? {
    var done = 0
    while done < range.count {
      let moved = move(done, min(Self.transfer, range.count - done))
      if moved < 0, errno == EINTR { continue }
      guard moved > 0 else { return moved == 0 ? EIO : errno }
      done += moved
    }
    return nil
  }

  /// O_DIRECT, which the compiler does not import: other numbers on other processors.
  private static var direct: Int32 {
    #if arch(arm64) || arch(arm)
      0o200000
    #else
      0o40000
    #endif
  }
}
