import Checkpoints
import Configuration
import Datasets
import Emulator
import FineTuning
import Foundation
import Testing

@Suite("Training in float16")
struct Float16Tests {
  private func configuration(
    lossScaling: Int = 4096, automatic: Bool = false, period: Int = 2000, steps: Int = 40
  ) -> FineTuningConfiguration {
    var configuration = smallConfiguration(tensorParallel: 4, dataParallel: 2, steps: steps)
    configuration.model.precision = .float16
    configuration.execution.lossScaling = lossScaling
    configuration.execution.automaticLossScaling = automatic
    configuration.execution.lossScalingPeriod = period
    return configuration
  }

  @Test("A gradient that overflows halves an automatic scale until it fits; clean steps double it")
  func automatic() throws {
    let (trainer, updates) = try train(
      configuration(lossScaling: 1 << 24, automatic: true, period: 3), steps: 20)
    let skipped = updates.prefix { $0.isSkipped }.count
    try #require(skipped > 2 && skipped + 3 < updates.count)
    for (index, update) in updates.prefix(skipped + 1).enumerated() {
      #expect(update.lossScale == Double(1 << (24 - index)))
    }
    for (one, next) in zip(updates, updates.dropFirst()) {
      let ratio = next.lossScale / one.lossScale
      #expect(ratio == (one.isSkipped ? 0.5 : ratio == 2 ? 2 : 1))
    }
    #expect(updates[skipped + 3].lossScale == 2 * updates[skipped].lossScale)
    #expect(trainer.lossScaling.state.skippedSteps == updates.count { $0.isSkipped })
  }

  @Test("A fixed scale that is too large skips every step, and the weights stay")
  func fixed() throws {
    let (trainer, updates) = try train(configuration(lossScaling: 1 << 24), steps: 2)
    #expect(updates.allSatisfy { $0.isSkipped && $0.lossScale == Double(1 << 24) })
    let first = try Trainer(configuration(), Emulator.Options(workers: 1))
    first.initialize(RandomWeights(seed: 1))
    let (one, other) = (
      trainer.transfer.read(from: trainer.emulator), first.transfer.read(from: first.emulator)
    )
    for (one, other) in zip(one, other) {
      #expect((one.values == other.values) == true, "\(one.name)")
    }
  }

  @Test("Its loss falls as that of float32 does")
  func losses() throws {
    var exact = configuration()
    exact.model.precision = .float32
    let (wide, narrow) = (
      try train(exact, steps: 40).updates, try train(configuration(), steps: 40).updates
    )
    #expect(wide[39].loss < wide[0].loss - 1)
    for (one, other) in zip(wide, narrow) { #expect(abs(other.loss / one.loss - 1) < 0.02) }
    #expect(!narrow.contains { $0.isSkipped })
  }

  @Test("A resumed run has the bits and the loss scale of an undisturbed one; files are F16")
  func resumed() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let configuration = configuration(lossScaling: 1 << 24, automatic: true, period: 2)
    let (whole, _) = try train(configuration, steps: 15)
    let folder = try RunFolder(path: path + "/run")
    try whole.save(in: folder, tokenizer: .embedded())
    let checkpoint = try TrainingCheckpoint(path: folder.path)
    let later = try Trainer(configuration, Emulator.Options(workers: 1))
    try later.resume(checkpoint)
    #expect(later.lossScaling == whole.lossScaling && later.lossScaling.state.skippedSteps > 0)
    var batches = try TrainingTask(seed: 1).batches(configuration, startingAt: 15)
    for _ in 0..<3 {
      let batch = batches.next()
      let (one, other) = (try whole.update(on: batch), try later.update(on: batch))
      #expect(one.loss == other.loss && one.lossScale == other.lossScale)
    }
    let (one, other) = (
      whole.transfer.read(from: whole.emulator), later.transfer.read(from: later.emulator)
    )
    for (one, other) in zip(one, other) {
      #expect((one.values == other.values) == true, "\(one.name)")
      #expect(one.values.allSatisfy { Float(Float16($0)) == $0 })
    }
    try whole.export(to: path + "/model", tokenizer: .embedded())
    for file in [path + "/model/model.safetensors", checkpoint.path + "/model.safetensors"] {
      let header = try Data(contentsOf: URL(filePath: file)).prefix(2000)
      #expect(String(decoding: header, as: UTF8.self).contains(#""dtype":"F16""#), "\(file)")
    }
    let model = try PretrainedModel(path: path + "/model")
    let answers = try model.answers(to: [[1, 2, 3]], outputLength: 2, Emulator.Options(workers: 1))
    #expect(answers.count == 1)
  }
}
