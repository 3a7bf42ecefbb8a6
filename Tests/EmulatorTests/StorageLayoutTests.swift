import GPTJ
import Program
import Testing

@testable import Emulator

@Suite("Temporaries share memory that nobody needs any more")
struct StorageLayoutTests {
  private static let plans = [
    InvariantTests.Plan(tensor: 1, data: 1), .init(tensor: 1, data: 1, recompute: .none),
    .init(tensor: 8, data: 2), .init(tensor: 4, data: 4, recompute: .none),
    .init(tensor: 4, data: 2, drops: true),
  ]

  private func program(_ plan: InvariantTests.Plan, chunks: Int = 1) throws -> Program {
    try TinyStep(
      tensorParallel: plan.tensor, dataParallel: plan.data, recompute: plan.recompute,
      dropout: plan.dropout
    ) { $0.headSerialisation = chunks }.program
  }

  /// Runs a Program of names instead of numbers: every operation must find its operands where it
  /// reads them, not what another tensor left there since.
  private struct Ghost {
    let program: Program
    let storage: Storage
    private var turns: [LoopVariable: Int] = [:]
    /// Whose each block of a cache line is.
    private var contents: [UnsafeMutableRawPointer: Int] = [:]
    private(set) var lost: Set<String> = []
    private(set) var reads = 0

    init(_ program: Program, _ storage: Storage) {
      (self.program, self.storage) = (program, storage)
    }

    mutating func run() { walk(program.body) }

    private mutating func walk(_ statements: [Statement]) {
      for statement in statements {
        switch statement {
        case .phase(_, let inner), .only(_, let inner): walk(inner)
        case .loop(let loop, let inner):
          for turn in 0..<loop.count {
            turns[loop.variable] = loop.descending ? loop.count - 1 - turn : turn
            walk(inner)
          }
        case .operation(let operation):
          if storage.movesNothing(in: operation) { continue }
          let kept = operation.kind.accumulates ? operation.outputs : []
          for reference in operation.inputs + kept { forEachBlock(reference) { $0.read($1, $2) } }
          for reference in operation.outputs { forEachBlock(reference) { $0.contents[$1] = $2 } }
        }
      }
    }

    private mutating func read(_ block: UnsafeMutableRawPointer, _ buffer: Int) {
      reads += 1
      if let other = contents[block], other != buffer { lost.insert(names[buffer] ?? "?") }
    }

    private var names: [Int: String] = [:]

    private mutating func forEachBlock(
      _ written: TensorReference, _ body: (inout Ghost, UnsafeMutableRawPointer, Int) -> Void
    ) {
      let reference = storage.place(of: written.tensor) ?? written
      let tensor = program[reference]
      let instance = zip(reference.indices, tensor.instances).reduce(0) { flat, pair in
        flat * pair.1 + pair.0.value(turn: pair.0.variable.flatMap { turns[$0] } ?? 0, stage: 0)
      }
      for rank in 0..<program.mesh.ranks {
        let buffer = storage.buffer(reference.tensor, instance: instance, rank: rank)
        names[buffer] = tensor.name
        for line in 0..<(tensor.bytes + 63) / 64 {
          body(&self, storage.address(buffer) + 64 * line, buffer)
        }
      }
    }
  }

  @Test("Whoever reads a tensor finds what was written to it", arguments: plans, [1, 2])
  func contents(plan: InvariantTests.Plan, chunks: Int) throws {
    let program = try program(plan, chunks: chunks)
    let storage = try Storage(program, sharesReplicas: true)
    var ghost = Ghost(program, storage)
    ghost.run()
    ghost.run()
    #expect(ghost.lost == [])
    #expect(ghost.reads > 10_000)
  }

  @Test("Temporaries take little more than the fullest moment", arguments: plans)
  func bytes(plan: InvariantTests.Plan) throws {
    let program = try program(plan)
    let assignment = BufferAssignment(program, views: .none)
    for (axes, room) in assignment.bytes {
      let lifetimes = program.temporaryLifetimes.filter { program[$0.key].differsOver == axes }
      func alive(_ isIncluded: (ClosedRange<Int>) -> Bool) -> Int {
        lifetimes.reduce(0) {
          $0 + (isIncluded($1.value) ? (program[$1.key].bytes + 63) / 64 * 64 : 0)
        }
      }
      let most = lifetimes.values.map { life in alive { $0.contains(life.lowerBound) } }.max() ?? 0
      #expect(room >= most && room < most * 11 / 10, "\(axes)")
    }
    let all = program.temporaryLifetimes.keys.reduce(0) { $0 + program[$1].bytes }
    #expect(assignment.bytes.values.reduce(0, +) < all * 3 / 4)
  }

  @Test("A smaller Program uses the room of a larger one, a larger one has its own")
  func lent() throws {
    func step(_ sequence: Int) throws -> Program {
      var model = TinyStep.model
      model.sequenceLength = sequence
      return try TinyStep(tensorParallel: 2, dataParallel: 1, model: model).program
    }
    let (small, large) = (try step(12), try step(37))
    let storage = try Storage(large, sharesReplicas: true)
    let inside = try Storage(small, sharesReplicas: true, sharing: storage)
    #expect(inside.bytes < storage.bytes / 20)
    let first = try Storage(small, sharesReplicas: true)
    let beside = try Storage(large, sharesReplicas: true, sharing: first)
    #expect(beside.bytes > storage.bytes / 4)
  }

  @Test("Lanes wait before they write over what another lane may still read")
  func order() {
    let own = Access.ownChunk(RowCut(rows: 64, parts: 8))
    for (first, second) in [(false, true), (true, false), (true, true), (false, false)] {
      var tracker = HazardTracker<Int>()
      tracker.record(1, own, writes: first)
      #expect(
        tracker.conflicts(2, own, writes: second, overlapping: [3, 1]) == (first || second))
      #expect(!tracker.conflicts(2, own, writes: second, overlapping: [3]))
      #expect(!tracker.conflicts(1, own, writes: second))
    }
  }

  @Test("Buffers lie over each other only where one rank holds both", arguments: plans)
  func rooms(plan: InvariantTests.Plan) throws {
    let program = try program(plan)
    let storage = try Storage(program, sharesReplicas: true)
    let temporaries = BufferAssignment(program, views: StreamingViews(program)).places.keys
    var places: [(buffer: Int, tensor: TensorID, bytes: Range<UnsafeMutableRawPointer>)] = []
    for id in temporaries {
      for rank in 0..<program.mesh.ranks {
        let buffer = storage.buffer(id, instance: 0, rank: rank)
        let start = storage.address(buffer)
        if places.contains(where: { $0.buffer == buffer }) { continue }
        places.append((buffer, id, start..<start + program[id].bytes))
      }
    }
    var (same, overlapping) = (0, 0)
    for one in places {
      for other in places where one.buffer != other.buffer && one.bytes.overlaps(other.bytes) {
        let (room, theirs) = (storage.room(of: one.buffer), storage.room(of: other.buffer))
        #expect(program[one.tensor].differsOver == program[other.tensor].differsOver)
        #expect((room == theirs) == (one.bytes == other.bytes))
        #expect(room == theirs || storage.overlapping(room).contains(theirs))
        if room == theirs { same += 1 } else { overlapping += 1 }
      }
    }
    #expect(same > 10 && overlapping > 10)
  }
}
