import Glibc

extension YAMLNode {
  /// The largest file that is read, in bytes.
  static let largestFile = 4 << 20

  /// Reads one strict YAML document from a file; its places have the path as given.
  package static func parse(path: String) throws(ConfigurationError) -> YAMLNode {
    try parse(bytes: contents(of: path), file: path)
  }

  /// Pipes are read as well, so the size is only known at the end.
  private static func contents(of path: String) throws(ConfigurationError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw unreadable(path, errno) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count <= largestFile {
      let count = read(descriptor, &chunk, chunk.count)
      if count == 0 { return bytes }
      if count > 0 {
        bytes += chunk[..<count]
      } else if errno != EINTR {
        throw unreadable(path, errno)
      }
    }
    throw ConfigurationError(
      .syntax, at: Place(file: path, line: 1, column: 1), "the file is too large",
      expected: "at most \(largestFile) bytes")
  }

  private static func unreadable(_ path: String, _ code: Int32) -> ConfigurationError {
    let reason = strerror(code).map { String(cString: $0) } ?? "error \(code)"
    return ConfigurationError(.unreadableFile, at: Place(path), "cannot read it: \(reason)")
  }
}
