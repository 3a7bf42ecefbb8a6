import Emulator
import GPTJ
import Program
import Testing

@Suite("The invariants hold for scoring too")
struct ScoringPassTests {
  @Test(
    "What a scoring pass states is what was executed plus what was knowingly skipped",
    arguments: [1, 2, 4, 16], [true, false])
  func conservation(tensorParallel: Int, sharesReplicas: Bool) throws {
    let pass = ScoringPass(
      model: TinyStep.wideModel, tensorParallel: tensorParallel, sequences: 3, scoredRows: 300,
      elementType: .float32)
    let program = try pass.program()
    let emulator = try Emulator(
      program, Emulator.Options(workers: 2, sharesReplicas: sharesReplicas))
    #expect(pass.chunks == 2)
    #expect(miscounts(program, emulator.run().phases) == [])
  }

  @Test("The head costs the asked rows, whatever the sequences' length")
  func headCost() throws {
    func flops(rows: Int, sequence: Int) throws -> Int? {
      var model = TinyStep.wideModel
      model.sequenceLength = sequence
      return try ScoringPass(
        model: model, tensorParallel: 4, sequences: 2, scoredRows: rows, elementType: .float32
      ).program().workByPhase.first { $0.phase == "head" }?.work.flops
    }
    // 101 ids over 4 shards: 26 columns each.
    #expect(try flops(rows: 10, sequence: 19) == 2 * 10 * 64 * 26)
    #expect(try flops(rows: 10, sequence: 190) == flops(rows: 10, sequence: 19))
    #expect(try flops(rows: 512, sequence: 19) == 2 * 512 * 64 * 26)
  }
}
