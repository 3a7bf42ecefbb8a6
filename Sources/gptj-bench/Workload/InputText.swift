import Datasets
import Glibc

/// Text that a command is given: in files, or on standard input where no file is named.
enum InputText {
  /// All bytes of each file in turn; `-` is standard input.
  ///
  /// - Throws: `DatasetsError.unreadable` naming the file.
  static func bytes(of files: [String]) throws(DatasetsError) -> [(name: String, bytes: [UInt8])] {
    var result: [(name: String, bytes: [UInt8])] = []
    for file in files.isEmpty ? ["-"] : files {
      let name = file == "-" ? "standard input" : file
      let descriptor = file == "-" ? STDIN_FILENO : open(file, O_RDONLY)
      guard descriptor >= 0 else { throw problem(name) }
      defer { if descriptor != STDIN_FILENO { close(descriptor) } }
      result.append((name, try bytes(from: descriptor, name)))
    }
    return result
  }

  /// The lines, which end in "\n" or "\r\n"; what is no UTF-8 becomes U+FFFD.
  static func lines(of bytes: [UInt8]) -> [String] {
    var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    return lines.map {
      String(decoding: $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0, as: UTF8.self)
    }
  }

  /// Pipes have no size, so it reads until there is no more.
  private static func bytes(
    from descriptor: Int32, _ name: String
  ) throws(DatasetsError) -> [UInt8] {
    var result: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      if count > 0 {
        result += buffer[..<count]
      } else if count == 0 {
        return result
      } else if errno != EINTR {
        throw problem(name)
      }
    }
  }

  private static func problem(_ name: String) -> DatasetsError {
    .unreadable(file: name, reason: String(cString: strerror(errno)))
  }
}
