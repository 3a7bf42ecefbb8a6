import Glibc
import Reporting

/// Why a file that the user asked for cannot be written.
struct OutputFileError: Error, CustomStringConvertible {
  let path: String
  let reason: String

  var description: String { "cannot write \(path): \(reason)" }
}

/// Writes a whole file, replacing what was there.
///
/// - Throws: `OutputFileError` naming the file, `ReportingError` when the disk is full.
func writeFile(_ text: String, to path: String) throws {
  let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
  guard descriptor >= 0 else {
    throw OutputFileError(path: path, reason: String(cString: strerror(errno)))
  }
  defer { close(descriptor) }
  try StandardStream(descriptor: descriptor, name: path).write(text)
}
