import Program
import Testing

/// Builds Programs of float32 vectors on one rank; sizes are element counts.
private struct Hand {
  let builder = ProgramBuilder(name: "hand", mesh: Mesh(tensorParallel: 1, dataParallel: 1))

  func vector(_ name: String, _ count: Int, instances: [Int] = []) -> TensorID {
    builder.declare(name, [count], .float32, differsOver: [], instances: instances)
  }

  func temporary(_ name: String, _ count: Int) -> TensorReference {
    builder.temporary(name, [count], .float32, differsOver: [])
  }

  func copy(_ from: TensorReference, _ to: TensorReference) {
    builder.emit(.copy, [from], into: [to])
  }

  func zero(_ tensor: TensorReference) { builder.emit(.zero, [], into: [tensor]) }

  var peaks: [String: Int] {
    let liveness = builder.build().liveness()
    return Dictionary(uniqueKeysWithValues: liveness.phases.map { ($0.phase, $0.bytes) })
  }
}

@Suite("Liveness counts what is on the tiles together, without unrolling loops")
struct LivenessTests {
  @Test("A temporary dies with its last use")
  func sequence() {
    let hand = Hand()
    let (a, b, c) = (hand.temporary("a", 100), hand.temporary("b", 100), hand.temporary("c", 100))
    hand.builder.phase("p") {
      hand.zero(a)
      hand.copy(a, b)
      hand.copy(b, c)
    }
    #expect(hand.peaks == ["p": 800])
  }

  @Test("An operation in place holds one buffer, any other holds both")
  func inPlace() {
    let hand = Hand()
    let (a, b) = (hand.temporary("a", 100), hand.temporary("b", 100))
    hand.builder.phase("in place") {
      hand.zero(a)
      hand.builder.emit(.gelu, [a], into: [a])
    }
    hand.builder.phase("out of place") {
      hand.builder.emit(.gelu, [a], into: [b])
    }
    #expect(hand.peaks == ["in place": 400, "out of place": 800])
  }

  @Test("A tensor from outside that a loop reads lives for all of the loop")
  func readInLoop() {
    let hand = Hand()
    let (weight, x, y) = (
      hand.temporary("weight", 1000), hand.temporary("x", 10), hand.temporary("y", 100)
    )
    hand.builder.phase("p") {
      hand.zero(weight)
      hand.builder.loop("batch", count: 7) { _ in
        hand.zero(x)
        hand.builder.emit(.add, [weight, weight], into: [weight])
        hand.zero(y)
      }
    }
    // At zero(y) the weight has had its last use of this turn, but the next turn reads it.
    #expect(hand.peaks == ["p": 4 * (1000 + 100)])
  }

  @Test("A value that a later turn reads lives for the whole loop; a turn's own dies in it")
  func carried() {
    let hand = Hand()
    let (sum, part, tail) = (
      hand.temporary("sum", 50), hand.temporary("part", 20), hand.temporary("tail", 500)
    )
    hand.builder.phase("p") {
      hand.builder.loop("batch", count: 3) { _ in
        hand.builder.emit(.sumOfSquares, [part], into: [sum])
        hand.zero(tail)
      }
    }
    // Both are read before they are written: they come from an earlier turn or step.
    #expect(hand.peaks == ["p": 4 * (50 + 20 + 500)])
  }

  @Test("An accumulator lives from its zero, through the loop, to its last use after it")
  func accumulator() {
    let hand = Hand()
    let (sum, part, out) = (
      hand.temporary("sum", 50), hand.temporary("part", 300), hand.temporary("out", 50)
    )
    let before = hand.temporary("before", 400)
    hand.builder.phase("before") { hand.zero(before) }
    hand.builder.phase("loop") {
      hand.zero(sum)
      hand.builder.loop("batch", count: 3) { _ in
        hand.zero(part)
        hand.builder.emit(.sumOfSquares, [part], into: [sum])
      }
    }
    hand.builder.phase("after") { hand.copy(sum, out) }
    #expect(hand.peaks == ["before": 1600, "loop": 1400, "after": 400])
  }

  @Test("Two loops side by side do not hold each other's temporaries")
  func siblings() {
    let hand = Hand()
    for name in ["first", "second"] {
      let x = hand.temporary(name, 100)
      hand.builder.phase(name) {
        hand.builder.loop(name, count: 5) { _ in
          hand.zero(x)
          hand.builder.emit(.gelu, [x], into: [x])
        }
      }
    }
    #expect(hand.peaks == ["first": 400, "second": 400])
  }

  @Test("What a loop transfers beside its arithmetic has two buffers, the rest one")
  func overlap() {
    let hand = Hand()
    let (x, y) = (hand.temporary("x", 10), hand.temporary("y", 100))
    let source = TensorReference(
      hand.builder.declare("source", [10], .float32, in: .streaming, differsOver: []))
    for (name, count) in [("long", 3), ("short", 2)] {
      hand.builder.phase(name) {
        hand.builder.loop(name, count: count) { _ in
          hand.builder.emit(.load, [source], into: [x])
          hand.zero(y)
          hand.builder.emit(.sumOfSquares, [x], into: [hand.temporary("sum", 1)])
        }
      }
    }
    let program = hand.builder.build()
    let plain = program.liveness().phases.map(\.bytes)
    #expect(
      program.overlappingIO(ofLoops: "long").liveness().phases.map(\.bytes) == [
        plain[0] + 40, plain[1] + 40,
      ])
    // Two turns hide nothing.
    #expect(program.overlappingIO(ofLoops: "short") == program)
    #expect(program.overlappingIO(ofLoops: "long") != program)
    #expect(program.overlappingIO(ofLoops: "long").work == program.work)
  }

  @Test("An instance for each turn means all of them for the whole loop")
  func instances() {
    let hand = Hand()
    let (saved, x) = (hand.vector("saved", 10, instances: [6]), hand.temporary("x", 10))
    hand.builder.phase("p") {
      hand.builder.loop("layer", count: 6) { layer in
        hand.zero(x)
        hand.copy(x, TensorReference(saved, [layer]))
      }
    }
    #expect(hand.peaks == ["p": 4 * (60 + 10)])
  }

  @Test("The peak does not depend on the loops' counts", arguments: [1, 2, 1000])
  func counts(_ count: Int) {
    let hand = Hand()
    let x = hand.temporary("x", 10)
    hand.builder.phase("p") {
      hand.builder.loop("layer", count: count) { _ in
        hand.builder.loop("batch", count: count) { _ in hand.zero(x) }
      }
    }
    #expect(hand.peaks == ["p": 40])
  }

  @Test("Attention's blocks of scores are its scratch", arguments: [1, 2, 3])
  func scratch(_ blocks: Int) throws {
    let shape = Operation.Attention(heads: 2, headSize: 4, sequence: 64, serialisation: blocks)
    let hand = Hand()
    let qkv = hand.builder.temporary("qkv", [128, 24], .float16, differsOver: [])
    let context = hand.builder.temporary("context", [128, 8], .float16, differsOver: [])
    let sums = hand.builder.temporary("sums", [128, 2], .float32, differsOver: [])
    hand.builder.emit(.attention(shape), [qkv], into: [context, sums])
    let program = hand.builder.build()
    let queries = [1: 64, 2: 32, 3: 22][blocks, default: 0]
    let peak = try #require(program.liveness().peak)
    #expect(peak.scratchBytes == 2 * 2 * queries * 64 * 2 * 2)  // sequences, heads, fp16, copies
    #expect(peak.bytes == peak.scratchBytes + 128 * (24 * 2 + 8 * 2 + 2 * 4))
    #expect(peak.live.map(\.bytes) == [128 * 48, 128 * 16, 128 * 8])
  }

  @Test("Streaming memory counts every instance of what is used, and nothing else")
  func streaming() {
    let hand = Hand()
    let used = hand.builder.declare(
      "used", [10], .float16, in: .streaming, differsOver: [], instances: [4, 3])
    _ = hand.builder.declare("unused", [1000], .float32, in: .streaming, differsOver: [])
    let x = hand.builder.temporary("x", [10], .float16, differsOver: [])
    hand.builder.phase("p") {
      hand.builder.emit(.load, [TensorReference(used, [1, 2])], into: [x])
    }
    #expect(hand.builder.build().streamingBytes == 240)
  }
}
