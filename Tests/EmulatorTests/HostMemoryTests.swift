import FoundationEssentials
import Testing

@testable import Emulator

@Suite("How much memory the process may have")
struct HostMemoryTests {
  private func limit(_ files: [String: String]) throws -> Int? {
    let root =
      FileManager.default.temporaryDirectory.path() + "/groups-\(UInt64.random(in: 0 ... .max))"
    defer { try? FileManager.default.removeItem(atPath: root) }
    for (name, text) in files {
      let path = root + name
      let folder = String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)])
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try Data(text.utf8).write(to: URL(filePath: path))
    }
    return HostMemory.groupLimit(root: root)
  }

  @Test("The smallest limit counts, of the process' group or one above it, in both versions")
  func limits() throws {
    let second = "0::/a/b\n"
    #expect(
      try limit([
        "/proc/self/cgroup": second, "/sys/fs/cgroup/a/b/memory.max": "max\n",
        "/sys/fs/cgroup/a/memory.max": "4096000\n",
      ]) == 4_096_000)
    #expect(
      try limit(["/proc/self/cgroup": second, "/sys/fs/cgroup/memory.max": "512\n"]) == 512)
    #expect(
      try limit([
        "/proc/self/cgroup": "9:cpu:/x\n4:hugetlb,memory:/x\n0::/\n",
        "/sys/fs/cgroup/memory/x/memory.limit_in_bytes": "2048\n",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
      ]) == 2048)
  }

  @Test("Without groups, limits or files there is none")
  func none() throws {
    #expect(try limit([:]) == nil)
    #expect(try limit(["/proc/self/cgroup": "0::/\n"]) == nil)
    #expect(
      try limit(["/proc/self/cgroup": "nonsense\n::\n0::/a\n", "/sys/fs/cgroup/a/memory.max": ""])
        == nil)
    #expect(HostMemory.bytes > 1 << 26)
  }
}
