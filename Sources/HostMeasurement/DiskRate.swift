import CProcess
import Glibc
import Topology

/// How fast a folder's disk is written and read in large blocks, past the page cache where it lets.
enum DiskRate {
  /// Why a disk could not be measured.
  struct Failure: Error, CustomStringConvertible {
    let folder: String
    let reason: String
    var description: String {
      "cannot measure the disk of \(folder): \(reason); --no-disk leaves it out"
    }
  }

  private static let blockBytes = 4 << 20
  private static let blocks = 16

  /// Writes 64 MiB, waits until they are on the disk, and reads them.
  static func measure(in folder: String) throws(Failure) -> MeasuredHost.Disk {
    let path = "\(folder)/.gptj-bench-disk-\(getpid())"
    defer { unlink(path) }
    var isDirect = true
    var descriptor = pc_open_direct(path)
    if descriptor < 0, errno == EINVAL {
      isDirect = false
      descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    }
    guard descriptor >= 0 else { throw failure(folder) }
    defer { close(descriptor) }
    let block = UnsafeMutableRawPointer.allocate(byteCount: blockBytes, alignment: 4096)
    defer { block.deallocate() }
    block.initializeMemory(as: UInt8.self, repeating: 1, count: blockBytes)
    func seconds(_ transfer: (Int) -> Int) throws(Failure) -> Double {
      let start = wallSeconds()
      for index in 0..<blocks where transfer(index * blockBytes) != blockBytes {
        throw failure(folder)
      }
      if fsync(descriptor) != 0 { throw failure(folder) }
      return max(wallSeconds() - start, 1e-9)
    }
    let bytes = Double(blocks * blockBytes)
    let write = bytes / (try seconds { pwrite(descriptor, block, blockBytes, $0) })
    if !isDirect { posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED) }
    let read = bytes / (try seconds { pread(descriptor, block, blockBytes, $0) })
    return MeasuredHost.Disk(
      writeBytesPerSecond: HostMeasurement.rounded(write),
      readBytesPerSecond: HostMeasurement.rounded(read), isDirect: isDirect)
  }

  private static func failure(_ folder: String) -> Failure {
    Failure(folder: folder, reason: String(cString: strerror(errno)))
  }

  private static func wallSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
