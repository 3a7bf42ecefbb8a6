import Glibc
import Reporting

/// Why a file that the user asked for cannot be written.
struct OutputFileError: Error, CustomStringConvertible {
  let path: String
  let reason: String

  var description: String { "cannot write \(path): \(reason)" }

  init(path: String, reason: String) {
    self.path = path
    self.reason = reason
  }

  /// The reason of the last system call.
  init(path: String) { self.init(path: path, reason: String(cString: strerror(errno))) }
}

/// Writes a whole file, replacing what was there at once: a reader sees the old text or the new one.
///
/// What is there and no file, such as a link, a pipe or a device, stays and is written to.
/// - Throws: `OutputFileError` naming the file, `ReportingError` when the disk is full; then a file
///   that was there is still there.
func writeFile(_ text: String, to path: String) throws {
  guard isReplaceable(path) else {
    return try write(text, to: path, named: path, flags: O_TRUNC)
  }
  let partial = "\(path).\(String(UInt64.random(in: .min ... .max), radix: 36)).partial"
  do {
    try write(text, to: partial, named: path, flags: O_EXCL)
    guard rename(partial, path) == 0 else { throw OutputFileError(path: path) }
  } catch {
    unlink(partial)
    throw error
  }
}

/// Whether a file could be written there, asked before a long run so that it does not fail at its end.
///
/// - Throws: `OutputFileError` naming the file.
func checkWritable(_ path: String) throws(OutputFileError) {
  let parent = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
  guard access(isReplaceable(path) ? parent : path, W_OK) == 0 else {
    throw OutputFileError(path: path)
  }
  var status = stat()
  guard stat(path, &status) != 0 || status.st_mode & S_IFMT != S_IFDIR else {
    throw OutputFileError(path: path, reason: "it is a directory")
  }
}

/// Whether there is nothing yet or a file by itself.
///
/// Not a link to one: `/dev/stdout` leads to a file where output is redirected, and must stay a link.
private func isReplaceable(_ path: String) -> Bool {
  var status = stat()
  return lstat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFREG
}

/// Errors name `name` in place of a file that is only there for a while.
private func write(_ text: String, to path: String, named name: String, flags: CInt) throws {
  let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0o644)
  guard descriptor >= 0 else { throw OutputFileError(path: name) }
  defer { close(descriptor) }
  try StandardStream(descriptor: descriptor, name: name).write(text)
}
