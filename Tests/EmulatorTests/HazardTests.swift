import Program
import Testing

@testable import Emulator

@Suite("Lanes wait for each other where they must, and only there")
struct HazardTests {
  private let eight = Access.ownChunk(RowCut(rows: 64, parts: 8))
  private let four = Access.ownChunk(RowCut(rows: 64, parts: 4))

  private func conflict(
    _ first: Access, writes firstWrites: Bool, then second: Access, writes: Bool
  ) -> Bool {
    var tracker = HazardTracker<Int>()
    tracker.record(1, first, writes: firstWrites)
    #expect(!tracker.conflicts(2, second, writes: true), "another buffer")
    return tracker.conflicts(1, second, writes: writes)
  }

  @Test("Reads never wait for reads")
  func reads() {
    for (first, second) in [(eight, eight), (eight, four), (.anywhere, eight), (eight, .anywhere)] {
      #expect(!conflict(first, writes: false, then: second, writes: false))
    }
  }

  @Test("A lane's own chunk needs no order, whoever reads or writes it there")
  func ownChunk() {
    for (first, second) in [(true, false), (false, true), (true, true)] {
      #expect(!conflict(eight, writes: first, then: eight, writes: second))
    }
  }

  @Test("Other cuts and whole buffers wait, in either order")
  func others() {
    for (first, second) in [
      (eight, four), (four, eight), (eight, Access.anywhere), (.anywhere, eight),
      (.anywhere, .anywhere),
    ] {
      for (firstWrites, secondWrites) in [(true, false), (false, true), (true, true)] {
        #expect(conflict(first, writes: firstWrites, then: second, writes: secondWrites))
      }
    }
  }

  @Test("A write is remembered behind later reads, until the barrier")
  func memory() {
    var tracker = HazardTracker<Int>()
    tracker.record(1, eight, writes: true)
    tracker.record(1, eight, writes: false)
    #expect(tracker.conflicts(1, four, writes: false))
    tracker.clear()
    #expect(!tracker.conflicts(1, four, writes: true))
  }

  /// Barriers inside a Program of these operations on one rank (sixteen lanes of a few rows).
  private func barriers(_ write: (ProgramBuilder) -> Void) throws -> Int {
    let builder = ProgramBuilder(name: "hand", mesh: Mesh(tensorParallel: 1, dataParallel: 1))
    builder.phase("phase") { write(builder) }
    let program = builder.build()
    let storage = try Storage(program, sharesReplicas: true)
    return Lowering(program, storage).schedule().segments.count { $0.waitsBefore }
  }

  private func matrix(_ builder: ProgramBuilder, _ name: String) -> TensorReference {
    builder.temporary(name, [64, 64], .float32, differsOver: [])
  }

  @Test("A chain of row-wise operations runs without a barrier")
  func rowwise() throws {
    let count = try barriers { builder in
      let (x, y) = (matrix(builder, "x"), matrix(builder, "y"))
      builder.emit(.zero, [], into: [x])
      builder.emit(.gelu, [x], into: [y])
      builder.emit(.add, [x, y], into: [y])
      builder.emit(.copy, [y], into: [x])
    }
    #expect(count == 0)
  }

  @Test("A product waits for its right operand, and what overwrites that waits for the product")
  func product() throws {
    let count = try barriers { builder in
      let (x, w, y) = (matrix(builder, "x"), matrix(builder, "w"), matrix(builder, "y"))
      builder.emit(.zero, [], into: [x])
      builder.emit(.zero, [], into: [w])
      let kind = Operation.Kind.matmul(transposeA: false, transposeB: true, accumulate: false)
      builder.emit(kind, [x, w], into: [y])
      builder.emit(.gelu, [y], into: [y])
      builder.emit(.zero, [], into: [w])
    }
    #expect(count == 2)
  }

  @Test("Turns of a loop that carry a value across lanes are separated, each from the next")
  func loop() throws {
    let count = try barriers { builder in
      let (x, sum) = (
        matrix(builder, "x"), builder.temporary("sum", [1], .float32, differsOver: [])
      )
      builder.loop("turn", count: 5) { _ in
        builder.emit(.zero, [], into: [x])
        builder.emit(.sumOfSquares, [x], into: [sum])
      }
    }
    // Before the sum of what all lanes wrote, and within it: lanes sum, then one of them.
    #expect(count == 10)
  }
}
