import Configuration
import Datasets
import Emulator
import FineTuning
import Testing

@Suite("Packing as run_clm.py does")
struct RunCLMPackingTests {
  /// Loss and gradient norm of the first step on `rows` of ids, whose labels are the next ids.
  private func firstStep(
    _ rows: [[Int32]], _ packing: Packing, tensorParallel: Int, dataParallel: Int
  ) throws -> (loss: Double, norm: Double) {
    let configuration = smallConfiguration(
      tensorParallel: tensorParallel, dataParallel: dataParallel,
      sequence: packing.sequenceLength, batch: rows.count)
    let trainer = try Trainer(configuration, Emulator.Options(workers: 2))
    trainer.initialize(RandomWeights(seed: 1))
    let update = try trainer.update(
      on: Batch(
        ids: rows.flatMap { packing.input($0[...]) },
        labels: rows.flatMap { packing.labels($0[...]) }))
    return (update.loss, update.gradientNorm)
  }

  /// The model shifts nothing here: its last position has no label, and as attention is causal the
  /// others see what a model of one position less sees, whose every token has a label.
  @Test("The last token of a block takes no part, on any plan", arguments: [(1, 1), (4, 2)])
  func lastToken(tensorParallel: Int, dataParallel: Int) throws {
    let rows = (0..<8).map { row in (0..<17).map { Int32((row * 131 + $0 * 71) % 500) } }
    let run = try firstStep(
      rows, Packing(.runCLM, sequenceLength: 17), tensorParallel: tensorParallel,
      dataParallel: dataParallel)
    let reference = try firstStep(
      rows, Packing(.reference, sequenceLength: 16), tensorParallel: tensorParallel,
      dataParallel: dataParallel)
    #expect(abs(run.loss - reference.loss) < 1e-6 * reference.loss)
    #expect(abs(run.norm - reference.norm) < 1e-5 * reference.norm)
  }

  @Test("The configuration chooses it, for the embedded set and for files alike")
  func configured() throws {
    var configuration = smallConfiguration(sequence: 64, batch: 4)
    configuration.task.packing = .runCLM
    var batches = try TrainingTask(configuration.task, seed: 1).batches(configuration)
    let batch = batches.next()
    for row in 0..<4 {
      let labels = batch.labels[row * 64..<(row + 1) * 64]
      #expect(labels.last == -100 && labels.dropLast().allSatisfy { $0 >= 0 })
      #expect(labels.dropLast().elementsEqual(batch.ids[row * 64..<(row + 1) * 64].dropFirst()))
    }
  }
}
