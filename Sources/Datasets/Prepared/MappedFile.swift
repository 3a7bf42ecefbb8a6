import Glibc

/// A file's bytes without a copy of them, as long as this object lives.
///
/// Files that are replaced by renaming, as `PreparedCache` does, do not change under it; one that
/// another program cuts short ends this one (SIGBUS).
final class MappedFile: @unchecked Sendable {
  // Never written, so that any thread may read.
  let bytes: UnsafeRawBufferPointer

  /// - Throws: `unreadable` for what is no regular file, or cannot be opened.
  init(path: String) throws(DatasetsError) {
    func failure() -> DatasetsError {
      .unreadable(file: path, reason: String(cString: strerror(errno)))
    }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw failure() }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure() }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw .unreadable(file: path, reason: "is not a regular file")
    }
    let size = Int(status.st_size)
    guard size > 0 else {
      // Nothing cannot be mapped.
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard let address, address != MAP_FAILED else { throw failure() }
    bytes = UnsafeRawBufferPointer(start: address, count: size)
  }

  deinit {
    if let address = bytes.baseAddress {
      munmap(UnsafeMutableRawPointer(mutating: address), bytes.count)
    }
  }
}
