import Checkpoints
import Configuration
import Datasets
import Emulator
import FineTuning
import Foundation
import GPTJ
import Testing

@Suite("Training with dropout")
struct DropoutTests {
  static let dropout = TrainingStep.Dropout(probability: 0.2, seed: 42)

  struct Plan: Sendable, CustomTestStringConvertible {
    var tensor = 1
    var data = 1
    var microBatch = 1
    var recompute = ParallelPlan.Recompute.full

    var testDescription: String {
      "TP \(tensor) x DP \(data), micro-batch \(microBatch), recompute \(recompute)"
    }
  }

  static let plans = [
    Plan(), Plan(microBatch: 8), Plan(tensor: 4, recompute: .none), Plan(tensor: 16, data: 4),
    Plan(data: 2, microBatch: 4, recompute: .none), Plan(tensor: 2, data: 4, microBatch: 2),
  ]

  private func run(
    _ fixture: Fixture, _ plan: Plan, dropout: TrainingStep.Dropout? = Self.dropout
  ) throws -> FixtureRun {
    try FixtureRun(
      fixture, tensorParallel: plan.tensor, dataParallel: plan.data, microBatch: plan.microBatch,
      recompute: plan.recompute, dropout: dropout)
  }

  @Test(
    "Loss and every gradient are those of torch under the same masks, for every plan",
    .enabled(if: hasTransformers, "needs python3 with torch and transformers"),
    arguments: HuggingFaceParityTests.cases)
  func torch(name: String) throws {
    let fixture = try Fixture(name)
    let output = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).safetensors")
    defer { try? FileManager.default.removeItem(at: output) }
    let weights = try #require(
      Bundle.module.url(
        forResource: "\(name).weights", withExtension: "safetensors", subdirectory: "Fixtures"))
    let loss = try #require(
      python(
        Self.program, weights.path, output.path, "\(fixture.model.layers)",
        "\(fixture.model.vocabularySize)")
    ).split(separator: "\n").last.flatMap { Double($0) }
    let expected = try #require(loss)
    let gradients = try SafetensorsFile(path: output.path)
    let plain = try run(fixture, Plan(), dropout: nil).step(0).loss
    #expect(abs(plain - expected) > 1e-3)
    for plan in Self.plans {
      let run = try run(fixture, plan)
      let found = try run.step(0).loss
      #expect(abs(found - expected) < 1e-5 * expected, "\(plan.testDescription)")
      for gradient in try run.gradients() {
        let error = relativeError(gradient.values, try gradients.floats(of: gradient.name))
        #expect(error < 1e-5, "\(plan.testDescription), \(gradient.name): \(error)")
      }
    }
  }

  /// Hugging Face's model with masks of its own Philox in place of `torch.nn.Dropout`.
  private static let program = """
    import sys, numpy as np, torch, transformers
    import safetensors.numpy as files
    weights, output, layers, vocabulary = sys.argv[1:]
    p, seed, step, heads = 0.2, 42, 1, 16
    data = files.load_file(weights)
    config = transformers.GPTJConfig(
      vocab_size=int(vocabulary), n_layer=int(layers), n_embd=64, n_head=heads, rotary_dim=4,
      n_positions=32, n_inner=None, activation_function="gelu_new", resid_pdrop=p, embd_pdrop=p,
      attn_pdrop=p, tie_word_embeddings=False, use_cache=False, attn_implementation="eager")
    model = transformers.GPTJForCausalLM(config).float().train()
    own = {k: torch.from_numpy(v) for k, v in data.items() if k.split(".")[0] in
           ("transformer", "lm_head")}
    model.load_state_dict(own, strict=True)

    def philox(c, k0, k1):
      low, c = np.uint64(0xFFFFFFFF), [np.asarray(x, np.uint64) for x in c]
      for _ in range(10):
        a, b = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [b >> np.uint64(32) ^ c[1] ^ np.uint64(k0), b & low,
             a >> np.uint64(32) ^ c[3] ^ np.uint64(k1), a & low]
        k0, k1 = k0 + 0x9E3779B9 & 0xFFFFFFFF, k1 + 0xBB67AE85 & 0xFFFFFFFF
      return c

    class Mask(torch.nn.Module):
      def __init__(self, site, layer):
        super().__init__()
        self.stream = site + 4 * layer

      def forward(self, x):
        if x.dim() == 3:
          sequence, row, column = np.indices(x.shape)
          stream = np.full(x.shape, self.stream)
        else:
          sequence, head, column, row = np.indices(x.shape)
          stream = self.stream + 65536 * head
        words = np.choose(row % 4, philox((column, row // 4, sequence, stream), seed, step))
        return x * torch.from_numpy((words < (1 - p) * 2**32) / (1 - p)).float()

    model.transformer.drop = Mask(0, 0)
    for i, block in enumerate(model.transformer.h):
      block.attn.resid_dropout, block.mlp.dropout = Mask(1, i), Mask(2, i)
      block.attn.attn_dropout = Mask(3, i)
    ids, labels = (torch.from_numpy(data[k][0].astype(np.int64)) for k in ("input_ids", "labels"))
    logits = model(input_ids=ids).logits
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten())
    loss.backward()
    files.save_file({k: v.grad.numpy() for k, v in model.named_parameters()}, output)
    print(loss.item())
    """

  @Test("Every plan has the same losses and gradients", arguments: plans.dropFirst())
  func samePlans(plan: Plan) throws {
    let fixture = try Fixture("gptj-v257")
    let (one, other) = (try run(fixture, Plan()), try run(fixture, plan))
    for step in 0..<3 {
      let (loss, expected) = (try other.step(step).loss, try one.step(step).loss)
      #expect(abs(loss - expected) < 1e-5 * expected)
    }
    for (gradient, expected) in zip(try other.gradients(), try one.gradients()) {
      #expect(relativeError(gradient.values, expected.values) < 1e-4, "\(gradient.name)")
    }
  }

  @Test("The gradient is the slope of the loss while the mask stays", arguments: [1, 4])
  func slope(tensorParallel: Int) throws {
    let fixture = try Fixture("gptj-v257")
    let run = try run(fixture, Plan(tensor: tensorParallel))
    try run.step(0)
    let gradient = Dictionary(
      uniqueKeysWithValues: try run.gradients().map { ($0.name, $0.values) })
    let square = gradient.values.joined().reduce(0) { $0 + Double($1) * Double($1) }
    func loss(moved by: Double) throws -> Double {
      try run.transfer.write(to: run.emulator) { name in
        try zip(fixture.weights.floats(of: name), gradient[name] ?? []).map {
          $0 + Float(by) * $1
        }
      }
      return try run.step(0).loss
    }
    // So far that the loss changes by about 0.04: rounding is 1e-5 of it.
    let distance = 0.02 / square
    let slope = try (loss(moved: distance) - loss(moved: -distance)) / (2 * distance)
    #expect(abs(slope - square) < 2e-3 * square, "\(slope) and \(square)")
  }

  @Test("A step's mask needs its number and nothing of the steps before")
  func resuming() throws {
    let fixture = try Fixture("gptj-v403")
    let (one, other) = (try run(fixture, Plan(tensor: 2)), try run(fixture, Plan(tensor: 2)))
    for step in 0..<3 { try one.step(step) }
    try one.transfer.write(to: one.emulator) { try fixture.weights.floats(of: $0) }
    let loss = try one.step(3).loss
    #expect(try other.step(3).loss == loss)
  }

  @Test("A trainer follows the configured probability, learns, and draws masks by its seed")
  func trainer() throws {
    func losses(
      _ probability: Double, seed: Int = 42, tensor: Int = 1, data: Int = 1, steps: Int = 5
    ) throws -> [Double] {
      var configuration = smallConfiguration(tensorParallel: tensor, dataParallel: data)
      configuration.model.dropoutProb = probability
      configuration.model.seed = seed
      try TrainingTask(seed: 1).check(configuration)
      return try train(configuration, steps: steps).updates.map(\.loss)
    }
    let base = try losses(0.1, steps: 40)
    #expect(base.suffix(5).reduce(0, +) / 5 < 4)
    #expect(try losses(0.1) == Array(base.prefix(5)))
    #expect(try zip(losses(0.1, seed: 43), base).allSatisfy { $0 != $1 })
    #expect(try zip(losses(0), base).allSatisfy { $0 != $1 })
    for (one, other) in zip(try losses(0.1, tensor: 4, data: 2), base) {
      #expect(abs(one - other) < 1e-4)
    }
  }

  @Test("A run from a checkpoint goes on with the masks of the undisturbed one")
  func checkpoint() throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "\(UUID())").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    func configuration(tensor: Int, data: Int) -> FineTuningConfiguration {
      var configuration = smallConfiguration(
        tensorParallel: tensor, dataParallel: data, vocabulary: 515)
      configuration.model.dropoutProb = 0.1
      return configuration
    }
    func rest(_ trainer: Trainer) throws -> [Double] {
      var batches = try TrainingTask(seed: 1).batches(
        trainer.configuration, startingAt: trainer.updates)
      return try (0..<3).map { _ in try trainer.update(on: batches.next()).loss }
    }
    let whole = try train(configuration(tensor: 4, data: 2), steps: 3).trainer
    try whole.save(in: RunFolder(path: path), tokenizer: .embedded())
    let expected = try rest(whole)
    for (tensor, data) in [(4, 2), (1, 1), (2, 4)] {
      let trainer = try Trainer(
        configuration(tensor: tensor, data: data), Emulator.Options(workers: 1))
      try trainer.resume(TrainingCheckpoint(path: path))
      let losses = try rest(trainer)
      for (one, other) in zip(losses, expected) {
        #expect(tensor == 4 ? one == other : abs(one - other) < 1e-5 * other)
      }
    }
  }

  @Test("An evaluation drops nothing")
  func evaluation() throws {
    func report(_ probability: Double) throws -> [String] {
      var configuration = smallConfiguration(rate: 0)
      configuration.model.dropoutProb = probability
      let trainer = try train(configuration, steps: 1).trainer
      let task = try TrainingTask(seed: 1)
      let split = task.heldOut(count: 5)[0]
      return try trainer.evaluate(
        Questions(split.examples, labels: split.labels), tokenizer: task.tokenizer,
        Emulator.Options(workers: 2)
      ).predictions.map(\.answer)
    }
    #expect(try report(0.9) == report(0))
  }
}
