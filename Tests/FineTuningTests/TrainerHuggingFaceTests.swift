import Checkpoints
import Configuration
import Datasets
import Emulator
import FineTuning
import Foundation
import Testing

@Suite("Models from and to Hugging Face's directories")
struct TrainerHuggingFaceTests {
  private func withExport(
    _ body: (_ path: String, _ trainer: Trainer) throws -> Void
  ) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let trainer = try train(
      smallConfiguration(tensorParallel: 4, dataParallel: 2, vocabulary: 515), steps: 3
    ).trainer
    let path = folder.appendingPathComponent("model").path
    try trainer.export(to: path, tokenizer: .embedded())
    try body(path, trainer)
  }

  @Test("An export loads under every other plan with the same bits, and trains on alike")
  func roundTrip() throws {
    try withExport { path, trainer in
      let directory = try HuggingFaceDirectory(path: path)
      #expect(directory.config.vocabulary == 515 && directory.config.positions == 48)
      let weights = trainer.transfer.read(from: trainer.emulator)
      var losses: [Double] = []
      for (tensor, data) in [(1, 1), (16, 1), (2, 4)] {
        let configuration = smallConfiguration(
          tensorParallel: tensor, dataParallel: data, vocabulary: 515)
        let other = try Trainer(configuration, Emulator.Options(workers: 2))
        try other.load(directory)
        let loaded = other.transfer.read(from: other.emulator)
        #expect(loaded.map(\.name) == weights.map(\.name))
        #expect(loaded.map(\.values) == weights.map(\.values))
        var batches = try TrainingTask(seed: 1).batches(configuration)
        losses.append(try other.update(on: batches.next()).loss)
      }
      for loss in losses { #expect(abs(loss - losses[0]) < 1e-5 * losses[0]) }
    }
  }

  @Test("A directory of another model is refused, naming the key")
  func otherModel() throws {
    try withExport { path, _ in
      let directory = try HuggingFaceDirectory(path: path)
      for (key, change) in [
        ("n_layer", { $0.model.layers = 1 }), ("n_positions", { $0.model.sequenceLength = 64 }),
        ("vocab_size", { $0.model.embedding.vocabSize = 516 }),
        ("rotary_dim", { $0.model.attention.rotaryDim = 2 }),
        ("rotary embedding", { $0.model.attention.rotaryPositionalEmbeddingsBase = 9 }),
      ] as [(String, (inout FineTuningConfiguration) -> Void)] {
        var configuration = smallConfiguration(vocabulary: 515)
        change(&configuration)
        let trainer = try Trainer(configuration, Emulator.Options(workers: 1))
        #expect { try trainer.load(directory) } throws: { "\($0)".contains(key) }
      }
    }
  }

  @Test("A pretrained model answers as the trainer that wrote it, on any number of shards")
  func answers() throws {
    try withExport { path, trainer in
      let task = try TrainingTask(seed: 1)
      var long = try HuggingFaceDirectory(path: path).config
      long.positions = 200
      let directory = path + "2"
      try HuggingFaceDirectory.write(
        long, endOfText: 0, to: directory,
        values: { trainer.transfer.values(of: $0, from: trainer.emulator) }
      ) { try task.tokenizer.write(to: $0) }
      let prompts = task.heldOut(count: 3)[0].examples.map {
        task.tokenizer.encode($0.validationPrompt)
      }
      let options = Emulator.Options(workers: 2)
      let one = try PretrainedModel(path: directory).answers(
        to: prompts, outputLength: 4, batch: 2, options)
      let many = try PretrainedModel(path: directory, tensorParallel: 8).answers(
        to: prompts, outputLength: 4, batch: 2, options)
      #expect(one == many && one.allSatisfy { !$0.isEmpty && $0.count <= 4 })
      let examples = Questions(task.heldOut(count: 3)[0].examples, labels: nil)
      #expect(
        try PretrainedModel(path: directory).evaluate(examples, options)
          == trainer.evaluate(examples, tokenizer: task.tokenizer, options))
      #expect(throws: GenerationError.self) {
        try PretrainedModel(path: path).answers(to: prompts, outputLength: 99, options)
      }
    }
  }
}
