import Program
import Testing

@testable import Emulator

@Suite("Zeros that a product overwrites are left out, and no others")
struct ZeroTests {
  private let builder = ProgramBuilder(
    name: "zeros", mesh: Mesh(tensorParallel: 1, dataParallel: 1))

  /// What is between the zeros and the products.
  enum Between: CaseIterable {
    case nothing, read, otherProduct, written
  }

  /// Three turns of a sum of two products, each stored: 24 x 40 from 8 rows.
  private func program(_ between: Between) -> Program {
    let a = declare("a", [8, 24], 1)
    let b = declare("b", [8, 40], 1)
    let stored = declare("stored", [24, 40], 3)
    builder.phase("phase") {
      let (x, y) = (tile("x", [8, 24]), tile("y", [8, 40]))
      let (sum, other) = (tile("sum", [24, 40]), tile("other", [24, 40]))
      builder.emit(.load, [TensorReference(a, [0])], into: [x])
      builder.emit(.load, [TensorReference(b, [0])], into: [y])
      builder.loop("turn", count: 3) { turn in
        builder.emit(.zero, [], into: [sum])
        builder.loop("micro_batch", count: 2) { _ in
          switch between {
          case .nothing: break
          case .read: builder.emit(.copy, [sum], into: [other])
          case .written: builder.emit(.add, [sum, sum], into: [sum])
          case .otherProduct:
            builder.emit(.zero, [], into: [other])
            builder.emit(product, [x, y], into: [other])
          }
          builder.emit(product, [x, y], into: [sum])
        }
        builder.emit(.store, [sum], into: [TensorReference(stored, [turn])])
      }
    }
    return builder.build()
  }

  private let product = Operation.Kind.matmul(
    transposeA: true, transposeB: false, accumulate: true)

  private func declare(_ name: String, _ shape: [Int], _ instances: Int) -> TensorID {
    builder.declare(
      name, shape, .float32, in: .streaming, differsOver: [], instances: [instances])
  }

  private func tile(_ name: String, _ shape: [Int]) -> TensorReference {
    builder.temporary(name, shape, .float32, differsOver: [])
  }

  @Test("Every turn's sum is that of its own products", arguments: Between.allCases, [1, 3])
  func sums(between: Between, workers: Int) throws {
    let program = program(between)
    let emulator = try Emulator(program, Emulator.Options(workers: workers))
    let names = program.tensors.map(\.name)
    func floats(_ name: String, instance: Int = 0) throws -> UnsafeMutableBufferPointer<Float> {
      let index = try #require(names.firstIndex(of: name))
      return emulator.memory(of: TensorID(index: index), instance: instance, rank: 0)
        .bindMemory(to: Float.self)
    }
    let (a, b) = (try floats("a"), try floats("b"))
    for index in a.indices { a[index] = Float(index % 7 - 3) }
    for index in b.indices { b[index] = Float(index % 5 - 2) }
    _ = emulator.run()
    _ = emulator.run()
    for turn in 0..<3 {
      let got = try floats("stored", instance: turn)
      for row in 0..<24 {
        for column in 0..<40 {
          let one = (0..<8).reduce(0) { $0 + a[$1 * 24 + row] * b[$1 * 40 + column] }
          // Doubled on the way: (0 · 2 + one) · 2 + one.
          let want = between == .written ? 3 * one : 2 * one
          #expect(got[row * 40 + column] == want, "turn \(turn), \(row), \(column)")
        }
      }
    }
  }

  @Test("Only zeros that are read stay", arguments: Between.allCases)
  func left(between: Between) throws {
    let program = program(between)
    let storage = try Storage(program, sharesReplicas: true)
    let instructions = Lowering(program, storage).schedule().lanes.joined()
    let zeros = instructions.count { if case .zero = $0 { true } else { false } }
    #expect((zeros == 0) == (between == .nothing || between == .otherProduct))
  }
}
