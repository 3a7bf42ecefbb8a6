import Glibc

/// A new name beside `path`, for what is not whole yet.
func partialName(_ path: String) -> String {
  "\(path).\(String(UInt64.random(in: .min ... .max), radix: 36)).partial"
}

/// Makes a directory that is whole or not there, whenever the machine stops.
///
/// `fill` writes its files into the folder whose name it gets, beside `path`; they are brought to the
/// disk, and the folder is renamed.
///
/// - Throws: `CheckpointError` when `path` exists or the disk refuses, and what `fill` throws; then
///   nothing stays.
func makeWholeDirectory(
  at path: String, _ fill: (_ folder: String) throws -> Void
) throws {
  let partial = partialName(path)
  guard mkdir(partial, 0o755) == 0 else {
    throw systemFailure(file: partial, operation: "make the directory")
  }
  do {
    try fill(partial)
    for name in try entries(of: partial) {
      try FileDescriptor(path: "\(partial)/\(name)", flags: O_RDONLY).synchronize()
    }
    try FileDescriptor(path: partial, flags: O_RDONLY | O_DIRECTORY).synchronize()
    guard rename(partial, path) == 0 else {
      throw systemFailure(file: path, operation: "put in place")
    }
    try synchronizeParent(of: path)
  } catch {
    removeDirectory(partial)
    throw error
  }
}

/// Brings a new name in a folder to the disk: it is an entry of the folder.
func synchronizeParent(of path: String) throws(CheckpointError) {
  let end = path.lastIndex(of: "/")
  let folder = end.map { String(path[...$0]) } ?? "."
  try FileDescriptor(path: folder, flags: O_RDONLY | O_DIRECTORY).synchronize()
}

/// The names in a folder, in the order of their bytes.
func entries(of folder: String) throws(CheckpointError) -> [String] {
  guard let stream = opendir(folder) else {
    throw systemFailure(file: folder, operation: "list")
  }
  defer { closedir(stream) }
  var names: [String] = []
  while let entry = readdir(stream) {
    let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    if name != ".", name != ".." { names.append(name) }
  }
  return names.sorted()
}

/// Removes a folder of files, as far as it can.
func removeDirectory(_ folder: String) {
  for name in (try? entries(of: folder)) ?? [] { unlink("\(folder)/\(name)") }
  rmdir(folder)
}

/// Writes a new file of text.
func writeNewFile(_ text: String, to path: String) throws(CheckpointError) {
  let file = try FileDescriptor(path: path, flags: O_WRONLY | O_CREAT | O_EXCL)
  let bytes = Array(text.utf8)
  let result = bytes.withUnsafeBytes { bytes in
    Result { () throws(CheckpointError) in try file.write(bytes) }
  }
  try result.get()
  try file.synchronize()
}
