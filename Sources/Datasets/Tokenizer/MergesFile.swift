/// Reads `merges.txt`: after a version line, one pair of spellings a line in order of rank.
enum MergesFile {
  /// The merges of `text`; `name` is the file for error messages.
  static func parse(
    _ text: [UInt8], name: String
  ) throws(DatasetsError) -> [(String, String)] {
    var merges: [(String, String)] = []
    let lines = text.split(separator: 0x0A, omittingEmptySubsequences: false)
    for (index, bytes) in lines.enumerated() {
      let bytes = bytes.last == 0x0D ? bytes.dropLast() : bytes
      // Only the first line is a comment: '#' also starts real merges.
      if bytes.isEmpty || (index == 0 && bytes.starts(with: Array("#version".utf8))) { continue }
      guard let line = String(validating: bytes, as: UTF8.self) else {
        throw .malformed(file: name, line: index + 1, problem: "the line is not valid UTF-8")
      }
      let parts = parts(of: line)
      guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
        throw .malformed(
          file: name, line: index + 1,
          problem: "expected two tokens with one space between them, found '\(line.prefix(60))'")
      }
      guard merges.count < Tokenizer.mergeLimit else {
        throw .malformed(
          file: name, line: index + 1, problem: "more than \(Tokenizer.mergeLimit) merges")
      }
      merges.append((parts[0], parts[1]))
    }
    return merges
  }

  /// The parts of `text` between single spaces, by scalars: a space is one whatever follows it.
  static func parts(of text: String) -> [String] {
    text.unicodeScalars.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
  }
}
