import Program
import Testing

@Suite("Work is counted from shapes")
struct WorkTests {
  private let builder = ProgramBuilder(
    name: "work", mesh: Mesh(tensorParallel: 4, dataParallel: 2))

  /// The work of one operation with operands of these shapes.
  private func work(
    _ kind: Operation.Kind, _ inputs: [[Int]], into outputs: [[Int]],
    from: MemorySpace = .sram, to: MemorySpace = .sram
  ) -> Work {
    func tensors(_ shapes: [[Int]], _ space: MemorySpace) -> [TensorReference] {
      shapes.map {
        TensorReference(builder.declare("t", $0, .float16, in: space, differsOver: .all))
      }
    }
    builder.emit(kind, tensors(inputs, from), into: tensors(outputs, to))
    let program = builder.build()
    guard case .operation(let operation)? = program.body.last else { return Work() }
    return program.work(of: operation)
  }

  @Test("A product counts two for each multiplication and addition, however its operands lie")
  func matmul() {
    for (transposeA, transposeB) in [(false, false), (true, false), (false, true), (true, true)] {
      let work = work(
        .matmul(transposeA: transposeA, transposeB: transposeB, accumulate: true),
        [transposeA ? [7, 5] : [5, 7], transposeB ? [3, 7] : [7, 3]], into: [[5, 3]])
      #expect(work == Work(flops: 2 * 5 * 7 * 3))
    }
  }

  @Test("Attention counts two products forward and five backward, over the full square of scores")
  func attention() {
    let shape = Operation.Attention(heads: 2, headSize: 4, sequence: 8, serialisation: 2)
    let product = 2 * (2 * 8 * 8) * 4 * 2  // multiply and add x pairs of 2 sequences x size x heads
    let pairs = 2 * 8 * 8 * 2
    let forward = work(.attention(shape), [[16, 24]], into: [[16, 8], [16, 2]])
    #expect(forward == Work(flops: 2 * product, elements: pairs))
    let backward = work(
      .attentionBackward(shape), [[16, 24], [16, 8], [16, 2], [16, 8]], into: [[16, 24]])
    #expect(backward == Work(flops: 5 * product, elements: pairs))
  }

  @Test("A window of columns counts what it moves; bfloat16 is loaded at half of its width")
  func columns() {
    #expect(
      work(.addScaledColumns(factor: 2, first: 3), [[4, 9], [4, 5]], into: [[4, 9]])
        == Work(elements: 20))
    #expect(
      work(.scaledColumns(factor: 2, first: 4), [[4, 9]], into: [[4, 5]]) == Work(elements: 20))
    let half = builder.declare("h", [10], .bfloat16, in: .streaming, differsOver: .all)
    let whole = builder.temporary("w", [5, 2], .float32, differsOver: .all)
    builder.emit(.load, [TensorReference(half)], into: [whole])
    #expect(builder.build().work.loadBytes == 20)
  }

  @Test("Matrices that are sent as bfloat16 count half; vectors and gathers of weights stay")
  func carriers() {
    let builder = ProgramBuilder(
      name: "work", mesh: Mesh(tensorParallel: 4, dataParallel: 2))
    func tensor(_ shape: [Int]) -> TensorReference {
      builder.temporary("t", shape, .float32, differsOver: .all)
    }
    for shape in [[6, 8], [48]] {
      builder.emit(
        .collective(.allReduceSum, over: .tensor), [tensor(shape)], into: [tensor(shape)])
      builder.emit(.collective(.allGather, over: .data), [tensor([24])], into: [tensor(shape)])
      builder.emit(.collective(.allGather, over: .tensor), [tensor([12])], into: [tensor(shape)])
      builder.emit(
        .collective(.reduceScatter, over: .data), [tensor(shape)], into: [tensor([24])])
    }
    let program = builder.build()
    let sent = program.sendingMatrices(as: .bfloat16)
    let (before, after) = (program.work.collectives, sent.work.collectives)
    for kind in [Operation.Collective.allReduceSum, .reduceScatter] {
      #expect(before.bytes(kind) == 2 * 4 * 48 && after.bytes(kind) == (2 + 4) * 48)
    }
    #expect(after.bytes(.allGather, .data) == 2 * 4 * 48)
    #expect(after.bytes(.allGather, .tensor) == (2 + 4) * 48)
    // No smaller than it is already.
    #expect(sent.sendingMatrices(as: .float32) == sent)
    #expect(program.accumulatingInSingle() == program)
  }

  @Test("Movement counts bytes where it goes")
  func movement() {
    var expected = Work()
    expected.loadBytes = 20
    #expect(work(.load, [[10]], into: [[10]], from: .streaming) == expected)
    expected = Work()
    expected.storeBytes = 20
    #expect(work(.store, [[10]], into: [[10]], to: .streaming) == expected)
    expected = Work()
    expected.hostBytes = 20
    #expect(work(.hostLoad, [[10]], into: [[10]], from: .host) == expected)
    #expect(work(.hostStore, [[10]], into: [[10]], to: .host) == expected)
    #expect(work(.copy, [[10]], into: [[10]]) == Work())
  }

  @Test(
    "A collective's payload is the larger of its buffers",
    arguments: [
      (Operation.Collective.allReduceSum, 12, 12), (.allReduceMax, 12, 12), (.broadcast, 12, 12),
      (.reduceScatter, 13, 4), (.allGather, 4, 13),
    ])
  func collectives(kind: Operation.Collective, input: Int, output: Int) {
    let tally = work(.collective(kind, over: .tensor), [[input]], into: [[output]]).collectives
    #expect(tally.bytes(kind, .tensor) == 2 * max(input, output))
    #expect(tally.calls(kind, .tensor) == 1)
    for other in Operation.Collective.allCases {
      #expect(tally.bytes(other) == (other == kind ? tally.bytes(kind, .tensor) : 0))
    }
  }

  @Test("Work adds and multiplies in every part")
  func arithmetic() {
    var work = Work(flops: 1, elements: 2)
    work.loadBytes = 3
    work.storeBytes = 4
    work.hostBytes = 5
    for (index, kind) in Operation.Collective.allCases.enumerated() {
      for (place, group) in ProcessGroup.allCases.enumerated() {
        work.collectives.record(kind, group, bytes: 10 * index + place, calls: index + place)
      }
    }
    #expect(work * 3 == work + work + work)
    #expect(work * 0 == Work())
    let tripled = (work * 3).collectives
    #expect(tripled.bytes(.broadcast, .data) == 3 * 41)
    #expect(tripled.calls(.broadcast, .data) == 3 * 5)
    #expect(tripled.bytes(.broadcast) == 3 * (40 + 41 + 42 + 43))
  }
}
