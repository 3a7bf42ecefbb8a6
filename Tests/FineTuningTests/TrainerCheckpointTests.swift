import Checkpoints
import Configuration
import Datasets
import Emulator
import FineTuning
import Foundation
import Testing

@Suite("Stopping and going on")
struct TrainerCheckpointTests {
  /// Trains 6 steps, saves after the third, and gives `body` the run and its folder.
  private func withRun(
    optimizer: Bool = true,
    _ body: (_ whole: Trainer, _ losses: [Double], _ folder: RunFolder) throws -> Void
  ) throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let folder = try RunFolder(path: path)
    var configuration = smallConfiguration(tensorParallel: 4, dataParallel: 2, vocabulary: 515)
    configuration.checkpoint.optimState = optimizer
    let (trainer, first) = try train(configuration, steps: 3)
    try trainer.save(in: folder, tokenizer: .embedded())
    var batches = try TrainingTask(seed: 1).batches(configuration, startingAt: 3)
    let rest = try (0..<3).map { _ in try trainer.update(on: batches.next()) }
    try body(trainer, (first + rest).map(\.loss), folder)
  }

  private func resumed(
    _ folder: RunFolder, tensor: Int, data: Int,
    change: (inout FineTuningConfiguration) -> Void = { _ in }
  ) throws -> (Trainer, [Double]) {
    var configuration = smallConfiguration(
      tensorParallel: tensor, dataParallel: data, vocabulary: 515)
    change(&configuration)
    let trainer = try Trainer(configuration, Emulator.Options(workers: 1))
    try trainer.resume(TrainingCheckpoint(path: folder.path))
    var batches = try TrainingTask(seed: 1).batches(
      configuration, startingAt: trainer.updates)
    return try (trainer, (0..<3).map { _ in try trainer.update(on: batches.next()).loss })
  }

  @Test("Under the same plan a resumed run has the same bits as an undisturbed one")
  func sameBits() throws {
    try withRun { whole, losses, folder in
      let (trainer, rest) = try resumed(folder, tensor: 4, data: 2)
      #expect(trainer.updates == 6 && rest == Array(losses[3...]))
      for suffix in ["", ".first_moment", ".second_moment"] {
        let expected = whole.transfer.read(from: whole.emulator, suffix: suffix)
        let found = trainer.transfer.read(from: trainer.emulator, suffix: suffix)
        for (one, other) in zip(expected, found) {
          // Compared outside: a failure need not print them.
          let areEqual = one.values == other.values
          #expect(areEqual, "\(one.name)\(suffix)")
        }
      }
    }
  }

  @Test("Under another plan it goes on alike", arguments: [(1, 1), (16, 1), (2, 4)])
  func otherPlans(_ plan: (tensor: Int, data: Int)) throws {
    try withRun { _, losses, folder in
      let (_, rest) = try resumed(folder, tensor: plan.tensor, data: plan.data)
      for (one, other) in zip(losses[3...], rest) { #expect(abs(one - other) < 1e-5 * one) }
    }
  }

  @Test("A run of another order of data, model or optimizer is refused, naming the key")
  func refused() throws {
    try withRun { _, _, folder in
      for (key, change) in [
        ("global_batch_size", { $0.training.globalBatchSize = 16 }),
        ("seed", { $0.model.seed = 7 }), ("n_layer", { $0.model.layers = 1 }),
        ("sequence_length", { $0.model.sequenceLength = 24 }),
      ] as [(String, (inout FineTuningConfiguration) -> Void)] {
        #expect { try resumed(folder, tensor: 1, data: 1, change: change) } throws: {
          "\($0)".contains(key)
        }
      }
    }
    try withRun(optimizer: false) { _, _, folder in
      #expect { try resumed(folder, tensor: 1, data: 1) } throws: {
        "\($0)".contains("optim_state")
      }
    }
  }
}
