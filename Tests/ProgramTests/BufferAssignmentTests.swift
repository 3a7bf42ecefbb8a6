import Program
import Testing

@Suite("Temporaries lie over each other where they are never alive at once")
struct BufferAssignmentTests {
  private func bytes(_ sizes: [Int], _ lives: [ClosedRange<Int>]) -> Int {
    zip(BufferAssignment.starts(sizes, lives: lives), sizes).map { $0 + $1 }.max() ?? 0
  }

  @Test("A chain needs room for its two largest neighbours")
  func chain() {
    #expect(bytes([400, 400, 400, 400], [0...1, 1...2, 2...3, 3...4]) == 800)
    #expect(bytes([40, 400, 80, 200], [0...1, 1...2, 2...3, 3...4]) == 480)
    #expect(bytes([40, 44, 48], [0...0, 1...1, 2...2]) == 48)
    #expect(bytes([40, 44, 48], [0...5, 1...5, 2...5]) == 132)
    #expect(bytes([], []) == 0)
  }

  @Test("A gap between two that are alive is used where it is wide enough", arguments: [80, 121])
  func gap(size: Int) {
    // The second dies between two that live on: 120 bytes are free there.
    let starts = BufferAssignment.starts(
      [400, 120, 80, size], lives: [0...9, 0...3, 0...9, 5...7])
    #expect(Array(starts[..<3]) == (size > 120 ? [0, 400, 521] : [0, 400, 520]))
    #expect(starts[3] == 400)
  }

  @Test("Those alive at once never overlap, and little is lost", arguments: 0..<20)
  func random(seed: Int) {
    var state = UInt64(seed) &* 6_364_136_223_846_793_005 &+ 1
    func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    let sizes = (0..<60).map { _ in 1 + next(1000) }
    let lives = sizes.map { _ -> ClosedRange<Int> in
      let start = next(100)
      return start...start + next(20)
    }
    let places = zip(BufferAssignment.starts(sizes, lives: lives), sizes).map { $0..<$0 + $1 }
    for one in sizes.indices {
      for other in 0..<one where lives[one].overlaps(lives[other]) {
        #expect(!places[one].overlaps(places[other]), "\(one), \(other)")
      }
    }
    let most =
      (0..<120).map { moment in
        sizes.indices.reduce(0) { $0 + (lives[$1].contains(moment) ? sizes[$1] : 0) }
      }.max() ?? 0
    let taken = bytes(sizes, lives)
    #expect(taken >= most && taken < most * 13 / 10)
  }

  @Test("Rooms are told apart by holders and bytes")
  func rooms() throws {
    let builder = ProgramBuilder(name: "hand", mesh: Mesh(tensorParallel: 2, dataParallel: 1))
    func vector(_ name: String, _ count: Int, _ axes: AxisSet = []) -> TensorReference {
      builder.temporary(name, [count], .float32, differsOver: axes)
    }
    // A chain: the first and the third are one room, the last lies in it; another one's holders differ.
    let chain = [vector("a", 100), vector("b", 100), vector("c", 100), vector("d", 50)]
    let other = vector("e", 100, .tensor)
    builder.emit(.zero, [], into: [chain[0]])
    for (one, next) in zip(chain, chain.dropFirst(1).prefix(2)) {
      builder.emit(.copy, [one], into: [next])
    }
    builder.emit(.gelu, [chain[2]], into: [chain[2]])
    builder.emit(.zero, [], into: [chain[3]])
    builder.emit(.gelu, [chain[3]], into: [chain[3]])
    builder.emit(.zero, [], into: [other])
    builder.emit(.gelu, [other], into: [other])
    let assignment = BufferAssignment(builder.build(), views: .none)
    let ids = chain.map(\.tensor)
    #expect(assignment.places[ids[0]] == 0..<400 && assignment.places[ids[1]] == 448..<848)
    #expect(assignment.places[ids[2]] == 0..<400 && assignment.places[ids[3]] == 0..<200)
    #expect(assignment.places[other.tensor] == 0..<400)
    #expect(assignment.bytes == [[]: 896, .tensor: 448])
    #expect(assignment.room(of: ids[2]) == ids[0] && assignment.room(of: ids[3]) == ids[3])
    #expect(
      assignment.overlapping(ids[0]) == [ids[3]] && assignment.overlapping(ids[3]) == [ids[0]])
    #expect(
      assignment.overlapping(ids[1]).isEmpty && assignment.room(of: other.tensor) == other.tensor)
  }

  @Test("What comes from before, is wanted after, or has instances is no temporary")
  func lifetimes() {
    let builder = ProgramBuilder(name: "hand", mesh: Mesh(tensorParallel: 1, dataParallel: 1))
    func vector(_ name: String, _ instances: [Int] = []) -> TensorID {
      builder.declare(name, [8], .float32, differsOver: [], instances: instances)
    }
    let (before, temporary, looped) = (vector("before"), vector("temporary"), vector("looped"))
    let (result, many) = (vector("result"), vector("many", [3]))
    builder.emit(.copy, [TensorReference(before)], into: [TensorReference(temporary)])
    builder.loop("turn", count: 3) { turn in
      builder.emit(.copy, [TensorReference(temporary)], into: [TensorReference(many, [turn])])
      builder.emit(.copy, [TensorReference(many, [turn])], into: [TensorReference(looped)])
      builder.emit(.copy, [TensorReference(looped)], into: [TensorReference(result)])
    }
    builder.emit(.zero, [], into: [TensorReference(before)])
    let lifetimes = builder.build().temporaryLifetimes
    // Read in a loop that it outlives: for all of it.
    #expect(lifetimes[temporary] == 0...3)
    #expect(lifetimes[looped] == 2...3)
    for id in [before, result, many] { #expect(lifetimes[id] == nil) }
  }

  @Test("A pipeline has none: its stages do not run in the order written")
  func pipeline() {
    let builder = ProgramBuilder(
      name: "hand", mesh: Mesh(tensorParallel: 1, dataParallel: 1, pipelineParallel: 2))
    let (x, y) = (
      builder.temporary("x", [8], .float32, differsOver: []),
      builder.temporary("y", [8], .float32, differsOver: [])
    )
    builder.emit(.zero, [], into: [x])
    builder.emit(.copy, [x], into: [y])
    #expect(builder.build().temporaryLifetimes.isEmpty)
  }
}
