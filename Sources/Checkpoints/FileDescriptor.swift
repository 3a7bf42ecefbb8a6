import Glibc

/// An open file that closes itself; every failure names the file.
final class FileDescriptor: Sendable {
  let path: String
  private let number: CInt

  init(path: String, flags: CInt, mode: mode_t = 0o644) throws(CheckpointError) {
    self.path = path
    number = open(path, flags | O_CLOEXEC, mode)
    if number < 0 { throw failure("open") }
  }

  deinit { close(number) }

  /// The size in bytes; throws unless this is a regular file, which alone has one.
  func size() throws(CheckpointError) -> Int {
    var status = stat()
    if fstat(number, &status) != 0 { throw failure("read") }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw .system(file: path, operation: "read", reason: "not a regular file")
    }
    return Int(status.st_size)
  }

  /// Fills `bytes` from `offset`; throws when the file ends before.
  func read(into bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(CheckpointError) {
    var done = 0
    while done < bytes.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[done...])
      switch pread(number, rest.baseAddress, rest.count, off_t(offset + done)) {
      case let count where count > 0: done += count
      case 0: throw .system(file: path, operation: "read", reason: "it became shorter meanwhile")
      default: if errno != EINTR { throw failure("read") }
      }
    }
  }

  /// A whole small file; throws when it has more than `limit` bytes.
  static func contents(of path: String, limit: Int) throws(CheckpointError) -> [UInt8] {
    let file = try FileDescriptor(path: path, flags: O_RDONLY | O_NONBLOCK)
    let size = try file.size()
    guard size <= limit else {
      throw .system(
        file: path, operation: "read", reason: "it has \(size) bytes, expected at most \(limit)")
    }
    return try file.elements(UInt8.self, count: size, at: 0)
  }

  /// The first bytes, at most `limit`.
  func start(_ limit: Int) throws(CheckpointError) -> [UInt8] {
    try elements(UInt8.self, count: min(size(), limit), at: 0)
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
    var rest = bytes
    while !rest.isEmpty {
      let count = Glibc.write(number, rest.baseAddress, rest.count)
      if count >= 0 {
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      } else if errno != EINTR {
        throw failure("write")
      }
    }
  }

  /// Waits until the contents, or a folder's entries, would survive a loss of power.
  func synchronize() throws(CheckpointError) {
    if fsync(number) != 0 { throw failure("synchronize") }
  }

  /// Keeps other processes from locking it until this one closes it or ends; false where one has it.
  func lock() -> Bool { flock(number, LOCK_EX | LOCK_NB) == 0 }

  /// Ends the lock at once, also where a process that is just being started still holds a copy.
  func unlock() { flock(number, LOCK_UN) }

  private func failure(_ operation: String) -> CheckpointError {
    systemFailure(file: path, operation: operation)
  }
}

/// What `errno` says about the call before.
func systemFailure(file: String, operation: String) -> CheckpointError {
  let reason = String(cString: strerror(errno))
  return switch errno {
  case ENOSPC, EDQUOT, EFBIG: .diskFull(file: file, reason: reason)
  default: .system(file: file, operation: operation, reason: reason)
  }
}

/// Refuses what Git leaves in place of a large file until it is fetched.
func refusePointer(_ file: FileDescriptor) throws(CheckpointError) {
  let text = Array("version https://git-lfs".utf8)
  guard try file.start(text.count) != text else {
    throw .system(
      file: file.path, operation: "read",
      reason: "it is a Git LFS pointer; fetch the file itself with git lfs pull")
  }
}
