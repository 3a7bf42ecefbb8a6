import CProcess
import Configuration
import Datasets
import Emulator
import FineTuning
import Testing

/// Other suites allocate on their threads: what is counted here is the least of several tries.
@Suite("Heap allocations", .serialized)
struct AllocationTests {
  @Test("are counted, each with the bytes asked for", .enabled(if: pc_counts_allocations() != 0))
  func countsExactly() {
    let counted = least(of: 500, until: 10) { for size in 1...10 { pc_allocate(UInt64(size)) } }
    #expect(counted.calls == 10)
    #expect(counted.bytes == 55)
    #expect(counted.library_calls == 0)
  }

  @Test("are none in a training step after the first", .enabled(if: pc_counts_allocations() != 0))
  func stepAllocatesNothing() throws {
    var configuration = FineTuningConfiguration()
    configuration.model.layers = 2
    configuration.model.hiddenSize = 64
    configuration.model.sequenceLength = 32
    configuration.model.precision = .float32
    configuration.model.embedding.vocabSize = 416
    configuration.model.attention.heads = 16
    configuration.model.attention.rotaryDim = 4
    configuration.training.globalBatchSize = 8
    configuration.execution.tensorParallel = 4
    configuration.execution.dataParallel = 2
    configuration.execution.microBatchSize = 2
    var batches = try TrainingTask(seed: 1).batches(configuration)
    let trainer = try Trainer(configuration, Emulator.Options(workers: 2))
    trainer.initialize(RandomWeights(seed: 1))
    _ = try trainer.update(on: batches.next())
    #expect(least(of: 500, until: 0) { trainer.emulator.execute() }.calls == 0)
  }

  /// Of so many tries, or of fewer once one is as it should be.
  private func least(of tries: Int, until wanted: UInt64, _ body: () -> Void) -> pc_allocations {
    var least = pc_allocations(calls: .max, bytes: 0, library_calls: 0, library_bytes: 0)
    for _ in 0..<tries where least.calls > wanted {
      pc_start_counting_allocations()
      body()
      let counted = pc_stop_counting_allocations()
      if counted.calls < least.calls { least = counted }
    }
    return least
  }
}
