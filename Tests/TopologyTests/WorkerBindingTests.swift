import Glibc
import Testing

@testable import Topology

@Suite struct WorkerBindingTests {
  @Test func `a pinned thread is read back on its unit`() throws {
    let host = try HostTopology.detect()
    let binding = WorkerBinding(host: host)
    for unit in host.allowedUnits.prefix(4) {
      let (report, seen) = try onOwnThread {
        (binding.pinCallingThread(to: unit.index), binding.unitOfCallingThread())
      }
      if let refusal = report.refusal, isForbidden(refusal) {
        print("pinning to \(unit.index) was refused here: \(refusal)")
        continue
      }
      #expect(report == BindingReport(requested: [unit.index], got: [unit.index]))
      #expect(report.isHonoured)
      #expect(seen == unit.index)
    }
  }

  @Test func `a unit that does not exist is refused and the thread stays where it was`() throws {
    let binding = WorkerBinding(host: try HostTopology.detect())
    let report = try onOwnThread { binding.pinCallingThread(to: 60_000) }
    #expect(!report.isHonoured)
    #expect(report.refusal?.isEmpty == false)
    #expect(report.got?.contains(60_000) != true)
    #expect(!binding.pinCallingThread(to: -1).isHonoured)
  }

  @Test func `nothing is bound for a synthetic host`() throws {
    let binding = WorkerBinding(host: try HostTopology.synthetic("core:2 pu:1"))
    let report = binding.pinCallingThread(to: 0)
    #expect(report == BindingReport(requested: [0], refusal: "the host is not this machine"))
    #expect(binding.unitOfCallingThread() == nil)
    let memory = [UInt8](repeating: 0, count: 8).withUnsafeBytes { binding.bind($0, toNode: 0) }
    #expect(memory.refusal == "the host is not this machine")
  }

  @Test func `bound memory is on its node once it is touched`() throws {
    let host = try HostTopology.detect()
    let binding = WorkerBinding(host: host)
    let node = try #require(host.allowedUnits.first).nodeIndex
    let page = Int(getpagesize())
    let pages = 5000
    try withMappedMemory(bytes: pages * page) { area in
      let report = binding.bind(UnsafeRawBufferPointer(area), toNode: node)
      let before = MemoryResidency(of: UnsafeRawBufferPointer(area))
      if let refusal = report.refusal ?? before.refusal, isForbidden(refusal) {
        print("binding memory was refused here: \(refusal)")
        return
      }
      #expect(report == BindingReport(requested: [node], got: [node]))
      #expect(before.absentPages == pages)
      for index in 0..<pages - 1 { area[index * page] = 1 }
      let after = MemoryResidency(of: UnsafeRawBufferPointer(area))
      #expect(after.pagesOfNode == [node: pages - 1])
      #expect(after.absentPages == 1)
    }
  }

  @Test func `huge pages are asked for or the refusal is told`() throws {
    try withMappedMemory(bytes: 8 << 20) { area in
      let bytes = UnsafeRawBufferPointer(area)
      if let refusal = adviseHugePages(bytes) { print("huge pages were refused here: \(refusal)") }
      #expect(adviseHugePages(UnsafeRawBufferPointer(rebasing: bytes[1..<100])) != nil)
      #expect(adviseHugePages(UnsafeRawBufferPointer(start: nil, count: 0)) == "the area is empty")
    }
    #expect(MemoryResidency(of: UnsafeRawBufferPointer(start: nil, count: 0)).pagesOfNode.isEmpty)
  }
}

/// Whether a machine or container does not let us, as opposed to our asking for nonsense.
private func isForbidden(_ refusal: String) -> Bool {
  [EPERM, EACCES, ENOSYS].map(errorText).contains(refusal)
}

/// Fresh pages that nobody has touched.
private func withMappedMemory(
  bytes: Int, _ body: (UnsafeMutableRawBufferPointer) throws -> Void
) throws {
  let flags = MAP_PRIVATE | MAP_ANONYMOUS
  let start = try #require(mmap(nil, bytes, PROT_READ | PROT_WRITE, flags, -1, 0))
  try #require(start != MAP_FAILED)
  defer { munmap(start, bytes) }
  // Huge pages would make all pages present with the first.
  madvise(start, bytes, MADV_NOHUGEPAGE)
  try body(UnsafeMutableRawBufferPointer(start: start, count: bytes))
}

/// A closure that can travel through `pthread_create`.
private final class ThreadBody {
  let run: () -> Void
  init(_ run: @escaping () -> Void) { self.run = run }
}

/// Runs a closure on a thread of its own, so that the test runner's threads stay unpinned.
private func onOwnThread<Value>(_ body: @escaping () -> Value) throws -> Value {
  var value: Value?
  var thread = pthread_t()
  let closure = Unmanaged.passRetained(ThreadBody { value = body() })
  let start: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
    argument.map { Unmanaged<ThreadBody>.fromOpaque($0).takeRetainedValue().run() }
    return nil
  }
  try #require(pthread_create(&thread, nil, start, closure.toOpaque()) == 0)
  pthread_join(thread, nil)
  return try #require(value)
}
