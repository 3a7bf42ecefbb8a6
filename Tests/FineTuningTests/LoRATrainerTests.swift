import Checkpoints
import Configuration
import Datasets
import Emulator
import FineTuning
import Foundation
import GPTJ
import Program
import Testing

@Suite("Fine-tuning adapters on emulated shards")
struct LoRATrainerTests {
  private func configuration(
    tensor: Int = 1, data: Int = 1, targets: [LoRA.Target] = LoRA.Target.allCases,
    frozen: LoRAConfiguration.FrozenPrecision = .same
  ) -> FineTuningConfiguration {
    var configuration = smallConfiguration(
      tensorParallel: tensor, dataParallel: data, vocabulary: 515, rate: 3e-2)
    configuration.lora.rank = 4
    configuration.lora.alpha = 8
    configuration.lora.targets = targets
    configuration.lora.frozenPrecision = frozen
    return configuration
  }

  private func withFolder(_ body: (_ path: String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder.path)
  }

  private func adapters(_ trainer: Trainer) -> [[Float]] {
    trainer.transfer.read(trainer.transfer.parameters.adapters.all, from: trainer.emulator)
      .map(\.values)
  }

  private func frozen(_ trainer: Trainer) -> [[Float]] {
    trainer.transfer.read(trainer.transfer.parameters.ofModel, from: trainer.emulator)
      .map(\.values)
  }

  @Test("Training starts at the model's own loss, falls, and leaves every frozen weight's bits")
  func training() throws {
    let start = try train(configuration(), steps: 0).trainer
    let (trainer, updates) = try train(configuration(), steps: 12)
    var plain = configuration()
    plain.lora.rank = 0
    #expect(try train(plain, steps: 1).updates[0].loss == updates[0].loss)
    #expect(updates[11].loss < updates[0].loss - 0.3)
    #expect(frozen(trainer) == frozen(start))
    #expect(zip(adapters(trainer), adapters(start)).allSatisfy { $0 != $1 })
    #expect(updates.allSatisfy { $0.gradientNorm > 0 })
  }

  @Test(
    "Every plan has the unsharded losses over six steps, to 1e-4",
    arguments: [(2, 1), (8, 1), (16, 1), (1, 4), (4, 2), (16, 4)])
  func plans(tensor: Int, data: Int) throws {
    let expected = try train(configuration(), steps: 6).updates
    let found = try train(configuration(tensor: tensor, data: data), steps: 6).updates
    for (one, other) in zip(found, expected) {
      #expect(abs(one.loss - other.loss) < 1e-4)
      #expect(abs(one.gradientNorm - other.gradientNorm) < 1e-3 * other.gradientNorm)
    }
  }

  @Test("A is uniform within 1 / sqrt(in) and differs from layer to layer, B is zero")
  func initial() throws {
    let random = RandomAdapters(configuration().lora)
    let name = "transformer.h.0.attn.q_proj"
    let a = random.values(of: name + ".lora_A.weight", count: 4 * 2500)
    #expect(a.allSatisfy { abs($0) <= 0.02 } && a.contains { abs($0) > 0.0199 })
    let mean = a.reduce(0) { $0 + Double($1) } / 10_000
    let variance = a.reduce(0) { $0 + pow(Double($1) - mean, 2) } / 10_000
    #expect(abs(mean) < 4 * 0.02 / 1.73 / 100)
    #expect(abs(variance - 0.02 * 0.02 / 3) < 0.05 * 0.02 * 0.02 / 3)
    #expect(random.values(of: name + ".lora_B.weight", count: 9) == [Float](repeating: 0, count: 9))
    let trainer = try Trainer(configuration(tensor: 4), Emulator.Options(workers: 1))
    trainer.initialize(RandomWeights(seed: 1))
    #expect(Set(adapters(trainer).filter { $0.contains { $0 != 0 } }).count == 12)
    var other = configuration()
    other.lora.seed = 43
    let others = RandomAdapters(other.lora).values(of: name + ".lora_A.weight", count: 4 * 2500)
    #expect(zip(others, a).allSatisfy { $0 != $1 })
  }

  @Test("An exported adapter is read under other plans with the same bits, and trained on alike")
  func roundTrip() throws {
    try withFolder { folder in
      let trainer = try train(configuration(tensor: 4, data: 2), steps: 3).trainer
      let path = folder + "/adapter"
      try trainer.exportAdapter(to: path, base: "some/model")
      #expect(throws: CheckpointError.self) { try trainer.exportAdapter(to: path, base: nil) }
      let adapter = try PEFTAdapter(path: path)
      let targets = LoRA.Target.allCases.map(\.rawValue)
      #expect(adapter.config == PEFTConfig(rank: 4, alpha: 8, targets: targets))
      var losses: [Double] = []
      for (tensor, data) in [(1, 1), (16, 1), (2, 4)] {
        let configuration = configuration(tensor: tensor, data: data)
        let other = try Trainer(configuration, Emulator.Options(workers: 2))
        other.initialize(RandomWeights(seed: 1))
        try other.load(adapter)
        #expect(adapters(other) == adapters(trainer))
        var batches = try TrainingTask(seed: 1).batches(configuration)
        losses.append(try other.update(on: batches.next()).loss)
      }
      for loss in losses { #expect(abs(loss - losses[0]) < 1e-5 * losses[0]) }
    }
  }

  @Test("An adapter of another shape or model is refused, naming key or tensor")
  func otherAdapters() throws {
    try withFolder { folder in
      let trainer = try train(configuration(targets: [.query, .feedForwardOut]), steps: 1).trainer
      let path = folder + "/adapter"
      try trainer.exportAdapter(to: path, base: nil)
      let adapter = try PEFTAdapter(path: path)
      for (word, change) in [
        ("r is 4, expected 5", { $0.lora.rank = 5 }),
        ("lora_alpha is 8.0, expected 9.0", { $0.lora.alpha = 9 }),
        ("target_modules is q_proj, fc_out, expected q_proj,", { $0.lora.targets = [.query] }),
        ("transformer.h.2.attn.q_proj.lora_A.weight", { $0.model.layers = 3 }),
        ("lora_A and lora_B of the target modules of 1 layers", { $0.model.layers = 1 }),
        ("shape [4, 128]", { $0.model.hiddenSize = 128 }),
      ] as [(String, (inout FineTuningConfiguration) -> Void)] {
        var configuration = configuration(targets: [.query, .feedForwardOut])
        change(&configuration)
        let other = try Trainer(configuration, Emulator.Options(workers: 1))
        #expect { try other.load(adapter) } throws: {
          "\($0)".contains(word) && "\($0)".contains(folder)
        }
      }
    }
  }

  @Test("The merged export, the adapter merged when it is read, and the trainer answer alike")
  func merging() throws {
    try withFolder { folder in
      let task = try TrainingTask(seed: 1)
      let trainer = try train(configuration(tensor: 4), steps: 4).trainer
      let base = try train(configuration(), steps: 0).trainer
      var long = GPTJConfig(trainer.configuration.model)
      long.positions = 200
      for (name, model) in [("/base", base), ("/merged", trainer)] {
        try HuggingFaceDirectory.write(
          long, endOfText: 0, to: folder + name, values: { model.weight($0) }
        ) { try task.tokenizer.write(to: $0) }
      }
      try trainer.exportAdapter(to: folder + "/adapter", base: folder + "/base")
      let adapter = try PEFTAdapter(path: folder + "/adapter")
      let examples = task.heldOut(count: 3)[0].examples
      let prompts = examples.map { task.tokenizer.encode($0.validationPrompt) }
      let options = Emulator.Options(workers: 2)
      func answers(_ name: String, _ adapter: PEFTAdapter?, _ tensor: Int) throws -> [[Int32]] {
        try PretrainedModel(path: folder + name, tensorParallel: tensor, adapter: adapter)
          .answers(to: prompts, outputLength: 4, options)
      }
      let merged = try answers("/merged", nil, 1)
      #expect(try answers("/base", adapter, 8) == merged)
      #expect(try answers("/base", nil, 1) != merged)
      let questions = Questions(examples, labels: nil)
      #expect(
        try PretrainedModel(path: folder + "/merged").evaluate(questions, options)
          == trainer.evaluate(questions, tokenizer: task.tokenizer, options))
    }
  }

  @Test("Merging adds scale times B A, and leaves other weights alone")
  func arithmetic() {
    let lora = LoRA(rank: 2, alpha: 3, targets: [.value])
    let merged = lora.merged(
      [1, 2, 3, 4, 5, 6], a: [1, 0, 2, 0, 1, 1], b: [1, 2, 0, -1])
    // B A is [[1, 2, 4], [0, -1, -1]], and the scale 1.5.
    #expect(merged == [2.5, 5, 9, 4, 3.5, 4.5])
    let names = lora.adapterNames(ofWeight: "transformer.h.7.attn.v_proj.weight")
    #expect(names?.a == "transformer.h.7.attn.v_proj.lora_A.weight")
    let others = [
      "transformer.h.7.attn.q_proj.weight", "lm_head.weight", "transformer.h.7.ln_1.bias",
    ]
    for other in others {
      #expect(lora.adapterNames(ofWeight: other) == nil)
    }
  }

  @Test("Frozen matrices in bfloat16 are the rounded ones, in half of the bytes, on any plan")
  func bfloat16() throws {
    let (trainer, updates) = try train(configuration(frozen: .bfloat16), steps: 4)
    let full = try train(configuration(), steps: 4)
    for (half, whole) in zip(frozen(trainer), frozen(full.trainer)) {
      #expect(zip(half, whole).allSatisfy { abs($0 - $1) <= abs($1) / 256 })
    }
    #expect(zip(updates, full.updates).allSatisfy { abs($0.loss - $1.loss) < 5e-3 })
    #expect(updates.map(\.loss) != full.updates.map(\.loss))
    let sharded = try train(configuration(tensor: 8, data: 2, frozen: .bfloat16), steps: 4)
    for (one, other) in zip(sharded.updates, updates) {
      #expect(abs(one.loss - other.loss) < 1e-4)
    }
    // Vectors stay float32, and the embedding's rows are rounded up to 16.
    let model = trainer.step.model
    let matrices = model.layers * 12 * 64 * 64 + (528 + 515) * 64
    #expect(full.trainer.program.streamingBytes - trainer.program.streamingBytes == 2 * matrices)
    #expect(frozen(sharded.trainer) == frozen(trainer))
  }
}
