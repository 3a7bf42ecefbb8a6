import Glibc

/// Small files in which the kernel tells about the machine, below a root that tests replace.
struct SystemFiles {
  /// What stands before `/proc` and `/sys`.
  var root = ""

  /// The text without white space at its end; nil where it cannot be read.
  func text(_ path: String) -> String? {
    let descriptor = open(root + path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 1 << 14)
    while bytes.count < 1 << 22 {
      let count = read(descriptor, &block, block.count)
      guard count >= 0 else { return nil }
      if count == 0 { break }
      bytes += block[..<count]
    }
    while let last = bytes.last, last <= UInt8(ascii: " ") { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The values of the lines `key: value` of a file, with or without white space around them.
  func values(of key: String, in path: String) -> [String] {
    (text(path) ?? "").split(separator: "\n").compactMap { line in
      let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, trimmed(parts[0]) == key else { return nil }
      return trimmed(parts[1])
    }
  }

  private func trimmed(_ text: Substring) -> String {
    String(text.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
  }
}
