import GPTJ
import Program
import Testing

@testable import Emulator

@Suite("Tensors on the tiles are views of streaming memory where nobody can tell")
struct StreamingViewTests {
  private let builder = ProgramBuilder(
    name: "views", mesh: Mesh(tensorParallel: 2, dataParallel: 1))

  private func streaming(_ name: String = "s", _ type: ElementType = .float32) -> TensorID {
    builder.declare(name, [6, 4], type, in: .streaming, differsOver: .tensor, instances: [4])
  }

  private func tile(_ name: String = "t", differsOver axes: AxisSet = .tensor) -> TensorReference {
    builder.temporary(name, [6, 4], .float32, differsOver: axes)
  }

  private func load(_ place: TensorReference) -> TensorReference {
    let t = tile()
    builder.emit(.load, [place], into: [t])
    return t
  }

  /// What that tensor stands for in the Program written so far.
  private func place(of t: TensorReference) -> TensorReference? {
    StreamingViews(builder.build()).places[t.tensor]
  }

  @Test("What is loaded and only read is read in place")
  func read() {
    let source = TensorReference(streaming(), [2])
    let t = load(source)
    builder.emit(.add, [t, t], into: [tile("sum")])
    #expect(place(of: t) == source)
  }

  @Test("What is loaded and changed is a copy, unless it goes back")
  func changed() {
    let source = TensorReference(streaming(), [2])
    let lost = load(source)
    builder.emit(.add, [lost, lost], into: [lost])
    let kept = load(source)
    builder.emit(.add, [kept, kept], into: [kept])
    builder.emit(.store, [kept], into: [source])
    let places = StreamingViews(builder.build()).places
    #expect(places[lost.tensor] == nil)
    #expect(places[kept.tensor] == source)
  }

  @Test("What changes after it was stored is a copy")
  func changedAfterStore() {
    let target = TensorReference(streaming(), [2])
    let t = tile()
    builder.emit(.zero, [], into: [t])
    builder.emit(.store, [t], into: [target])
    builder.emit(.add, [t, t], into: [t])
    #expect(place(of: t) == nil)
  }

  @Test(
    "A sum over turns is made where it is stored, if the turns do not read that",
    arguments: [
      false, true,
    ])
  func accumulated(isRead: Bool) {
    let stored = streaming()
    let dy = tile("dy")
    var gradient = dy
    var target = dy
    builder.loop("layer", count: 3) { layer in
      target = TensorReference(stored, [layer])
      gradient = builder.temporary("gradient", [4, 4], .float32, differsOver: .tensor)
      let flat = builder.declare(
        "g", [4, 4], .float32, in: .streaming, differsOver: .tensor, instances: [3])
      target = TensorReference(flat, [layer])
      builder.emit(.zero, [], into: [gradient])
      builder.loop("micro_batch", count: 2) { _ in
        if isRead {
          let before = builder.temporary("before", [4, 4], .float32, differsOver: .tensor)
          builder.emit(.load, [target], into: [before])
        }
        builder.emit(
          .matmul(transposeA: true, transposeB: false, accumulate: true), [dy, dy],
          into: [gradient])
      }
      builder.emit(.store, [gradient], into: [target])
    }
    #expect(place(of: gradient) == (isRead ? nil : target))
  }

  @Test(
    "A layer's input and output are views of different instances, of one they are not",
    arguments: [
      0, 1,
    ])
  func layers(next: Int) {
    let x = streaming()
    var (input, output) = (tile("unused"), tile("unused"))
    builder.loop("layer", count: 3) { layer in
      input = load(TensorReference(x, [layer]))
      output = tile("y")
      builder.emit(.add, [input, input], into: [output])
      builder.emit(.add, [input, output], into: [output])
      builder.emit(.store, [output], into: [TensorReference(x, [layer + next])])
    }
    let places = StreamingViews(builder.build()).places
    #expect((places[input.tensor] == nil) == (next == 0))
    #expect((places[output.tensor] == nil) == (next == 0))
  }

  @Test("What an earlier turn left, and what outlives the loop of its load, are copies")
  func carried() {
    let source = streaming()
    let (sum, last) = (tile("sum"), tile("last"))
    builder.loop("turn", count: 3) { turn in
      builder.emit(.add, [sum, last], into: [sum])
      builder.emit(.load, [TensorReference(source, [turn])], into: [last])
      builder.emit(.store, [sum], into: [TensorReference(source, [turn + 1])])
    }
    builder.emit(.add, [sum, last], into: [sum])
    let places = StreamingViews(builder.build()).places
    #expect(places[sum.tensor] == nil)
    #expect(places[last.tensor] == nil)
  }

  @Test("Another type, or other holders, need a copy")
  func unlike() {
    let narrow = load(TensorReference(streaming("narrow", .bfloat16), [0]))
    let shared = tile("shared", differsOver: [])
    builder.emit(.zero, [], into: [shared])
    builder.emit(.store, [shared], into: [TensorReference(streaming(), [0])])
    let places = StreamingViews(builder.build()).places
    #expect(places[narrow.tensor] == nil)
    #expect(places[shared.tensor] == nil)
  }

  @Test(
    "A training step copies nothing but what the host gives and gets",
    arguments: [
      (1, 1), (4, 1), (2, 2),
    ])
  func trainingStep(tensorParallel: Int, dataParallel: Int) throws {
    let measured = try TinyStep(
      tensorParallel: tensorParallel, dataParallel: dataParallel, recompute: .none
    ).run()
    let executed = measured.phases.reduce(Work()) { $0 + $1.executed }
    #expect(executed.loadBytes == 0)
    #expect(executed.storeBytes == 0)
    #expect(measured.phases.contains { $0.skipped.loadBytes > 0 })
  }
}
