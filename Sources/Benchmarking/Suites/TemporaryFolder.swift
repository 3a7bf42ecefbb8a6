import Glibc
import Regression

/// A folder for one benchmark's files, gone with its last owner.
final class TemporaryFolder {
  /// Of equal length in every process and on every machine, so that as many bytes are allocated for
  /// the names of files in it.
  let path: String
  private let name: String
  private let descriptor: Int32

  /// - Throws: `BenchmarkingError` where the system has no room for it.
  init() throws(BenchmarkingError) {
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(parent)/gptj-bench-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw .system("cannot make a folder in \(parent)", errno)
    }
    name = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    let opened = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    // From 100 to 999 the number has as many digits.
    descriptor = fcntl(opened, F_DUPFD_CLOEXEC, 100)
    let code = errno
    close(opened)
    guard descriptor >= 0 else { throw .system("cannot open \(name)", code) }
    path = "/proc/self/fd/\(descriptor)"
  }

  /// Size of all its files.
  var fileBytes: Metric {
    Counts.metric("file_bytes", names.reduce(0) { $0 + size(of: $1) }, "B")
  }

  private func size(of name: String) -> Int {
    var status = stat()
    return fstatat(descriptor, name, &status, 0) == 0 ? Int(status.st_size) : 0
  }

  private var names: [String] {
    guard let stream = opendir(path) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  deinit {
    for name in names { unlinkat(descriptor, name, 0) }
    close(descriptor)
    rmdir(name)
  }
}
