import Program
import Testing

/// Mistakes of whoever writes a Program, each of which must stop it where it is made.
private enum Mistake: String, CaseIterable, Codable, Sendable {
  case matmulInner, matmulRows, matmulColumns, matmulTransposed, arity, loadFromTiles, storeToTiles
  case computeInStreaming, sameShape, sameType, missingIndex, superfluousIndex, emptyLoop,
    emptyShape
  case emptyInstances, gatherShard, scatterShard, allReduceShape, sliceShard, attentionHeads
  case attentionSequence, openPhase, noRanks, columnsBehindTheEnd, columnsOfOtherRows, narrowing

  func make() {
    let mesh = Mesh(tensorParallel: self == .noRanks ? 0 : 4, dataParallel: 1)
    let builder = ProgramBuilder(name: "mistake", mesh: mesh)
    func tensor(_ shape: [Int], _ type: ElementType = .float32) -> TensorReference {
      builder.temporary("t", shape, type, differsOver: [])
    }
    func streaming(_ shape: [Int], instances: [Int] = [], _ indices: [Affine] = [])
      -> TensorReference
    {
      TensorReference(
        builder.declare(
          "s", shape, .float32, in: .streaming, differsOver: [], instances: instances), indices)
    }
    func matmul(_ a: [Int], _ b: [Int], _ c: [Int], transposeA: Bool = false) {
      builder.emit(
        .matmul(transposeA: transposeA, transposeB: false, accumulate: false),
        [tensor(a), tensor(b)], into: [tensor(c)])
    }
    func collective(_ kind: Operation.Collective, _ from: Int, _ to: Int) {
      builder.emit(.collective(kind, over: .tensor), [tensor([from])], into: [tensor([to])])
    }
    func attention(_ heads: Int, _ sequence: Int) {
      let shape = Operation.Attention(
        heads: heads, headSize: 4, sequence: sequence, serialisation: 1)
      builder.emit(
        .attention(shape), [tensor([16, 24])], into: [tensor([16, 8]), tensor([16, 2])])
    }
    switch self {
    case .matmulInner: matmul([2, 3], [4, 5], [2, 5])
    case .matmulRows: matmul([2, 3], [3, 5], [3, 5])
    case .matmulColumns: matmul([2, 3], [3, 5], [2, 3])
    case .matmulTransposed: matmul([2, 3], [3, 5], [2, 5], transposeA: true)
    case .arity: builder.emit(.gelu, [tensor([2]), tensor([2])], into: [tensor([2])])
    case .loadFromTiles: builder.emit(.load, [tensor([2])], into: [tensor([2])])
    case .storeToTiles: builder.emit(.store, [tensor([2])], into: [tensor([2])])
    case .computeInStreaming: builder.emit(.gelu, [streaming([2])], into: [tensor([2])])
    case .sameShape: builder.emit(.load, [streaming([2])], into: [tensor([3])])
    case .sameType: builder.emit(.copy, [tensor([2], .float16)], into: [tensor([2])])
    case .missingIndex: builder.emit(.load, [streaming([2], instances: [3])], into: [tensor([2])])
    case .superfluousIndex: builder.emit(.load, [streaming([2], [0])], into: [tensor([2])])
    case .emptyLoop: builder.loop("layer", count: 0) { _ in }
    case .emptyShape: _ = tensor([2, 0])
    case .emptyInstances: _ = streaming([2], instances: [0], [0])
    case .gatherShard: collective(.allGather, 3, 10 + 3)
    case .scatterShard: collective(.reduceScatter, 13, 3)
    case .allReduceShape: collective(.allReduceSum, 8, 9)
    case .sliceShard: builder.emit(.slice(over: .tensor), [tensor([10])], into: [tensor([2])])
    case .attentionHeads: attention(3, 8)
    case .attentionSequence: attention(2, 5)
    case .columnsBehindTheEnd:
      builder.emit(.scaledColumns(factor: 1, first: 4), [tensor([2, 6])], into: [tensor([2, 3])])
    case .columnsOfOtherRows:
      let y = tensor([2, 6])
      builder.emit(.addScaledColumns(factor: 1, first: 0), [y, tensor([3, 3])], into: [y])
    case .narrowing: builder.emit(.load, [streaming([2])], into: [tensor([2], .bfloat16)])
    case .openPhase: builder.phase("open") { _ = builder.build() }
    case .noRanks: break
    }
  }
}

@Suite("The builder")
struct BuilderTests {
  @Test("Mistakes stop the program where they are written", arguments: Mistake.allCases)
  fileprivate func traps(mistake: Mistake) async {
    await #expect(processExitsWith: .failure) { [mistake] in mistake.make() }
  }

  @Test("What the mistakes differ from is accepted")
  func accepted() {
    let mesh = Mesh(tensorParallel: 4, dataParallel: 1)
    let builder = ProgramBuilder(name: "right", mesh: mesh)
    func tensor(_ shape: [Int]) -> TensorReference {
      builder.temporary("t", shape, .float32, differsOver: [])
    }
    builder.emit(
      .matmul(transposeA: true, transposeB: false, accumulate: false),
      [tensor([3, 2]), tensor([3, 5])], into: [tensor([2, 5])])
    builder.emit(
      .matmul(transposeA: false, transposeB: true, accumulate: true),
      [tensor([2, 3]), tensor([5, 3])], into: [tensor([2, 5])])
    builder.emit(.collective(.allGather, over: .tensor), [tensor([4])], into: [tensor([13])])
    builder.emit(.collective(.reduceScatter, over: .tensor), [tensor([13])], into: [tensor([4])])
    builder.emit(.slice(over: .tensor), [tensor([10])], into: [tensor([3])])
    let shape = Operation.Attention(heads: 2, headSize: 4, sequence: 8, serialisation: 1)
    builder.emit(
      .attention(shape), [tensor([16, 24])], into: [tensor([16, 8]), tensor([16, 2])])
    #expect(builder.build().body.count == 6)
  }

  @Test("Phases and loops nest as they were written; work is multiplied by the loops around it")
  func nesting() {
    let builder = ProgramBuilder(name: "nest", mesh: Mesh(tensorParallel: 1, dataParallel: 1))
    let store = builder.declare(
      "store", [10], .float16, in: .streaming, differsOver: [], instances: [3, 5])
    let x = builder.temporary("x", [10], .float16, differsOver: [])
    builder.phase("first") { builder.emit(.zero, [], into: [x]) }
    builder.loop("outer", count: 3, descending: true) { outer in
      builder.phase("second") {
        builder.loop("inner", count: 5) { inner in
          builder.emit(.load, [TensorReference(store, [outer, inner])], into: [x])
        }
        builder.emit(.store, [x], into: [TensorReference(store, [outer, 4])])
      }
      builder.phase("first") { builder.emit(.gelu, [x], into: [x]) }
    }
    let program = builder.build()
    #expect(program.phaseNames == ["first", "second"])
    let work = program.workByPhase
    #expect(work.map(\.phase) == ["first", "second"])
    #expect(work[0].work == Work(elements: 30))
    #expect(work[1].work.loadBytes == 15 * 20 && work[1].work.storeBytes == 3 * 20)
    #expect(program.work == work[0].work + work[1].work)
    guard case .loop(let outer, let inner) = program.body[1], case .phase("second", _) = inner[0]
    else {
      Issue.record("\(program.body)")
      return
    }
    #expect(outer.descending && outer.count == 3 && outer.name == "outer")
  }

  @Test("Temporaries are named after their phase; an axis of one rank distinguishes nothing")
  func declarations() {
    let builder = ProgramBuilder(name: "names", mesh: Mesh(tensorParallel: 4, dataParallel: 1))
    builder.phase("phase") {
      _ = builder.declare("x", [2], .float32, differsOver: .all)
      _ = builder.declare("w", [2], .float32, in: .streaming, differsOver: .data)
    }
    let program = builder.build()
    #expect(program.tensors.map(\.name) == ["phase/x", "w"])
    #expect(program.tensors.map(\.differsOver) == [.tensor, []])
    #expect(program.tensor(named: "w")?.index == 1)
    #expect(program.tensor(named: "v") == nil)
  }
}
