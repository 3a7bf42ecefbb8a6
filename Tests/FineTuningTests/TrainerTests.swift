import Configuration
import Datasets
import Emulator
import FineTuning
import Foundation
import GPTJ
import Testing

@Suite("Training on emulated shards")
struct TrainerTests {
  @Test("The loss starts at the logarithm of the vocabulary's size and falls", arguments: [1, 16])
  func lossFalls(tensorParallel: Int) throws {
    let configuration = smallConfiguration(tensorParallel: tensorParallel)
    let (trainer, updates) = try train(configuration, steps: 40)
    #expect(abs(updates[0].loss - log(512)) < 0.1)
    let last = updates.suffix(5).reduce(0) { $0 + $1.loss } / 5
    #expect(last < 3.5)
    #expect(updates.map(\.step) == Array(1...40))
    #expect(trainer.updates == 40)
    #expect(updates.allSatisfy { $0.tokens == 8 * 48 && $0.gradientNorm > 0 })
    let schedule = LearningRateSchedule(configuration.training)
    #expect(updates.map(\.learningRate) == (0..<40).map { schedule[$0] })
  }

  @Test("The same seeds give the same losses, others do not")
  func deterministic() throws {
    func losses(weights: UInt64 = 1, task: Int = 1) throws -> [Double] {
      try train(smallConfiguration(tensorParallel: 4), steps: 4, weights: weights, task: task)
        .updates.map(\.loss)
    }
    let first = try losses()
    #expect(try losses() == first)
    #expect(Set(first).count == 4)
    #expect(try zip(losses(weights: 2), first).allSatisfy { $0 != $1 })
    #expect(try zip(losses(task: 2), first).allSatisfy { $0 != $1 })
  }

  @Test(
    "Every plan has the unsharded losses over ten steps, to 1e-4",
    arguments: [(2, 1), (16, 1), (1, 4), (4, 2), (16, 4)])
  func plans(tensor: Int, data: Int) throws {
    let expected = try train(smallConfiguration(), steps: 10).updates
    let found = try train(
      smallConfiguration(tensorParallel: tensor, dataParallel: data), steps: 10
    ).updates
    for (one, other) in zip(found, expected) {
      #expect(abs(one.loss - other.loss) < 1e-4)
      #expect(abs(one.gradientNorm - other.gradientNorm) < 1e-3 * other.gradientNorm)
    }
    #expect(expected[0].loss - expected[9].loss > 0.5)
  }

  @Test("A rate of zero leaves every weight as it was")
  func noRate() throws {
    let configuration = smallConfiguration(tensorParallel: 2, rate: 0)
    var still = configuration
    still.training.optimizer.learningRate.warmupProportion = 0
    func weights(_ steps: Int) throws -> [[Float]] {
      let trainer = try train(still, steps: steps).trainer
      return trainer.transfer.read(from: trainer.emulator).map(\.values)
    }
    #expect(try weights(0) == weights(2))
  }

  @Test("An illegal plan and a vocabulary below the tokenizer's are refused by name")
  func refusals() throws {
    #expect(throws: PlanError.headsDoNotDivide(heads: 16, tensorParallel: 3)) {
      try Trainer(smallConfiguration(tensorParallel: 3), Emulator.Options(workers: 1))
    }
    let task = try TrainingTask(seed: 1)
    let size = task.tokenizer.vocabularySize
    #expect(throws: TaskError.vocabularyTooSmall(model: size - 1, tokenizer: size)) {
      try task.check(smallConfiguration(vocabulary: size - 1))
    }
    try task.check(smallConfiguration(vocabulary: size))
    let message = "\(TaskError.vocabularyTooSmall(model: 5, tokenizer: size))"
    #expect(message.contains("model.embedding.vocab_size is 5") && message.contains("\(size)"))
  }

  @Test("An evaluation counts every example once, and leaves the trainer as it was")
  func evaluation() throws {
    let configuration = smallConfiguration(tensorParallel: 4)
    let task = try TrainingTask(seed: 1)
    var batches = try task.batches(configuration)
    let trainer = try train(configuration, steps: 3).trainer
    let before = trainer.transfer.read(from: trainer.emulator).map(\.values)
    let examples = task.heldOut(count: 7)[0].examples
    let report = try trainer.evaluate(
      Questions(examples, labels: nil), tokenizer: task.tokenizer, batch: 3,
      Emulator.Options(workers: 2))
    #expect(report.examples == 7)
    #expect(report.correct + report.incorrect + report.badlyFormed == 7)
    #expect(trainer.transfer.read(from: trainer.emulator).map(\.values) == before)
    #expect(trainer.updates == 3)
    #expect(try trainer.update(on: batches.next()).step == 4)
  }
}
