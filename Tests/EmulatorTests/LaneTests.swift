import Program
import Testing

@testable import Emulator

@Suite("Lanes share out rows and ranks")
struct LaneTests {
  @Test("A cut covers every row exactly once, in order, in equal chunks", arguments: 1...20)
  func rowCut(parts: Int) {
    for rows in Array(0...70) + [1023, 1024, 1025] {
      let cut = RowCut(rows: rows, parts: parts)
      let ranges = (0..<parts).map { cut[$0] }
      #expect(ranges.flatMap { Array($0) } == Array(0..<rows))
      let full = ranges.map(\.count).filter { $0 > 0 }.dropLast()
      #expect(Set(full).count <= 1)
    }
  }

  @Test(
    "Every lane belongs to one rank, and there are at least sixteen",
    arguments: [(1, 1), (1, 3), (2, 1), (5, 1), (8, 2), (16, 1), (16, 4)])
  func lanes(tensor: Int, data: Int) {
    let mesh = Mesh(tensorParallel: tensor, dataParallel: data)
    let lanes = LaneSet(mesh)
    #expect(lanes.count >= 16 && lanes.count % mesh.ranks == 0)
    #expect(lanes.lanes(of: Array(0..<mesh.ranks)) == Array(0..<lanes.count))
    for rank in 0..<mesh.ranks {
      #expect(lanes.lanes(of: [rank]).allSatisfy { lanes.rank(of: $0) == rank })
    }
  }

  @Test("There are never more workers than lanes; ranks and workers need not divide")
  func manyWorkers() throws {
    func bits(_ workers: Int, _ tensor: Int, _ data: Int) throws -> (bits: [UInt16], count: Int) {
      let step = try TinyStep(
        tensorParallel: tensor, dataParallel: data, workers: workers, model: TinyStep.wideModel)
      return (step.train(steps: 2), step.emulator.workerCount)
    }
    for (tensor, data) in [(1, 1), (16, 1), (16, 4)] {
      let one = try bits(1, tensor, data)
      for (workers, expected) in [(3, 3), (100, max(16, tensor * data))] {
        let many = try bits(workers, tensor, data)
        #expect(many.count == expected)
        #expect(many.bits == one.bits)
      }
    }
  }

  @Test("An emulator starts and stops many times")
  func startAndStop() throws {
    for workers in 1...12 {
      _ = try TinyStep(tensorParallel: 2, dataParallel: 1, workers: workers).run()
    }
  }
}
