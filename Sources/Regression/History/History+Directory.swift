internal import Glibc

extension History {
  /// Reads the results of a directory: all its files that end in `.json`.
  ///
  /// A file that is no result is an error, since a gap in a history is hard to see; a file of counts
  /// is left out.
  package static func read(
    directory: String, thresholds: Thresholds
  ) throws(RegressionError) -> History {
    var files: [(file: String, result: BenchmarkResult)] = []
    for name in try names(in: directory) where name.hasSuffix(".json") {
      guard case .result(let result) = try Baseline.read("\(directory)/\(name)") else { continue }
      files.append((name, result))
    }
    return try History(files, directory: directory, thresholds: thresholds)
  }

  private static func names(in directory: String) throws(RegressionError) -> [String] {
    guard let stream = opendir(directory) else { throw ResultFile.unreadable(directory) }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      names.append(
        withUnsafeBytes(of: entry.pointee.d_name) { bytes in
          String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        })
    }
    return names.sorted()
  }
}
