import CKernels
import Glibc
import Kernels
import Testing

/// All tests of the module.
@Suite struct KernelsTests {
  @Test func `A forced path is the one in use, and nil gives the fastest back`() {
    let fastest = InstructionSet.current
    for path in InstructionSet.available {
      #expect(InstructionSet.force(path) == path)
      #expect(InstructionSet.current == path)
    }
    #expect(InstructionSet.force(nil) == fastest)
    // A processor may multiply bfloat16 more slowly than it widens it.
    #expect(InstructionSet.available.suffix(2).contains(fastest))
  }

  @Test func `A path forced on one thread leaves the others alone`() throws {
    let fastest = InstructionSet.current
    try InstructionSet.portable.run {
      var thread = pthread_t()
      var seen: UnsafeMutableRawPointer?
      let start: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { _ in
        UnsafeMutableRawPointer(bitPattern: 1 + Int(ck_isa()))
      }
      try #require(pthread_create(&thread, nil, start, nil) == 0)
      pthread_join(thread, &seen)
      #expect(Int(bitPattern: seen) - 1 == Int(fastest.rawValue))
    }
  }

  @Test func `The peak loops measure something`() {
    #expect(HostPeak.flopsPerSecond(seconds: 0.001) > 1e8)
    var a = [Float](repeating: 0, count: 1000)
    let b = (0..<1000).map { Float($0) }
    #expect(HostPeak.bytesPerSecond(&a, b, b, count: 1000, seconds: 0.001) > 1e6)
    #expect(a == b.map { $0 + 3 * $0 })
  }
}

extension InstructionSet {
  /// Runs `body` on this path and goes back to the fastest.
  func run<Result>(_ body: () throws -> Result) rethrows -> Result {
    InstructionSet.force(self)
    defer { InstructionSet.force(nil) }
    return try body()
  }
}
