import Configuration
import Datasets
import Emulator
import FineTuning
import GPTJ
import Program
import Testing

/// Two updates of a tiny model with odd sizes, with and without what-ifs.
@Suite("What-ifs leave loss and gradients as they are")
struct WhatIfTests {
  struct Mesh: Sendable, CustomTestStringConvertible {
    let tensor: Int
    let data: Int

    var testDescription: String { "TP \(tensor) x DP \(data)" }
  }

  static let meshes = [1, 2, 4].flatMap { tensor in
    [1, 2].map { Mesh(tensor: tensor, data: $0) }
  }

  static func configuration(_ mesh: Mesh, dropout: Double = 0) -> FineTuningConfiguration {
    var configuration = FineTuningConfiguration()
    configuration.model.layers = 2
    configuration.model.hiddenSize = 36
    configuration.model.sequenceLength = 20
    configuration.model.precision = .float32
    configuration.model.dropoutProb = dropout
    configuration.model.embedding.vocabSize = 101
    configuration.model.attention.heads = 12
    configuration.model.attention.rotaryDim = 2
    configuration.training.globalBatchSize = 8
    configuration.training.optimizer.learningRate.maximum = 1e-3
    configuration.execution.tensorParallel = mesh.tensor
    configuration.execution.dataParallel = mesh.data
    return configuration
  }

  /// What a step with some what-ifs may differ from the unsharded one by.
  struct Tolerance {
    var loss = 1e-5
    var gradient = 1e-5
    var update = 2e-3

    /// A bfloat16 has 8 bits of significand, a float16 has 11; sums of both are float32.
    init(_ whatIfs: [WhatIf]) {
      if whatIfs.contains(.bfloat16Collectives) { (loss, gradient, update) = (2e-3, 2e-2, 0.3) }
      if whatIfs.contains(.float16Collectives) { (loss, gradient, update) = (3e-4, 3e-3, 0.1) }
    }
  }

  /// What two updates of a configuration give.
  struct Outcome {
    var losses: [Double] = []
    var norms: [Double] = []
    /// Those of the last step.
    let gradients: [(name: String, shape: [Int], values: [Float])]
    let weights: [(name: String, shape: [Int], values: [Float])]

    init(
      _ configuration: FineTuningConfiguration,
      labels label: (_ token: Int, _ step: Int) -> Int32 = {
        Int32(($0 * 17 + $1 * 29 + 3) % 101)
      }
    ) throws {
      let trainer = try Trainer(configuration, Emulator.Options(workers: 2))
      trainer.initialize(RandomWeights(seed: 3, standardDeviation: 0.2))
      for step in 0..<2 {
        let tokens = 8 * 20
        let ids = (0..<tokens).map { Int32(($0 * 31 + step * 57 + $0 / 7) % 101) }
        let labels = (0..<tokens).map { label($0, step) }
        let update = try trainer.update(on: Batch(ids: ids, labels: labels))
        losses.append(update.loss)
        norms.append(update.gradientNorm)
      }
      gradients = trainer.transfer.read(from: trainer.emulator, suffix: ".gradient")
        .filter { $0.name != "transformer.wte.weight" }
      weights = trainer.transfer.read(from: trainer.emulator)
    }
  }

  static func unsharded(dropout: Double) throws -> Outcome {
    try Outcome(configuration(Mesh(tensor: 1, data: 1), dropout: dropout))
  }

  private func compare(_ whatIfs: [WhatIf], _ found: Outcome, _ expected: Outcome) {
    let tolerance = Tolerance(whatIfs)
    let names = whatIfs.map(\.name).joined(separator: " + ")
    for (one, other) in zip(found.losses + found.norms, expected.losses + expected.norms) {
      #expect(abs(one - other) < 2 * tolerance.loss * other, "\(names): \(one), not \(other)")
    }
    for (one, other) in zip(found.gradients, expected.gradients) {
      let error = relativeError(one.values, other.values)
      #expect(error < tolerance.gradient, "\(names): \(one.name) is off by \(error)")
    }
    #expect(found.gradients.map(\.name) == expected.gradients.map(\.name))
    let scale = 1e-3 * 2
    for (one, other) in zip(found.weights, expected.weights) {
      let error = zip(one.values, other.values).reduce(0) { $0 + Double(abs($1.0 - $1.1)) }
      #expect(
        error / Double(one.values.count) < tolerance.update * scale,
        "\(names): \(one.name) is off by \(error / Double(one.values.count))")
    }
  }

  @Test(
    "Each alone and every legal pair has the unsharded loss, gradients and updates",
    arguments: meshes, [0, 0.2])
  func pairs(mesh: Mesh, dropout: Double) throws {
    let expected = try Self.unsharded(dropout: dropout)
    let base = Self.configuration(mesh, dropout: dropout)
    compare([], try Outcome(base), expected)
    var legal = 0
    for whatIfs in WhatIf.combinations(pairs: dropout == 0 || mesh.tensor == 4) {
      guard let changed = try? WhatIf.applied(whatIfs, to: base) else { continue }
      legal += 1
      compare(whatIfs, try Outcome(changed), expected)
    }
    // Alone on one rank: overlapped I/O, a larger micro-batch, and three kinds of recomputation.
    #expect(legal >= 5)
  }

  @Test("Rounded payloads do differ, by about what the type's significand says")
  func rounding() throws {
    let mesh = Mesh(tensor: 4, data: 1)
    let base = Self.configuration(mesh)
    let expected = try Outcome(base)
    func error(_ whatIf: WhatIf) throws -> Double {
      let found = try Outcome(WhatIf.applied([whatIf], to: base))
      return zip(found.gradients, expected.gradients).map { relativeError($0.values, $1.values) }
        .max() ?? 0
    }
    #expect((1e-4...2e-2).contains(try error(.bfloat16Collectives)))
    #expect((1e-5...3e-3).contains(try error(.float16Collectives)))
  }

  @Test(
    "What cannot be applied is refused with its reason",
    arguments: [
      ([WhatIf.fusedAllReduce], 1, 1, "tensor_parallel above 1"),
      ([.shardedSequence], 1, 2, "tensor_parallel above 1"),
      ([.shardedOptimizer], 4, 1, "data_parallel above 1"),
      ([.replicatedState], 2, 1, "data_parallel above 1"),
      ([.singlePartials], 2, 2, "float16"),
      ([.droppedCollectives], 2, 2, "recompute_closing_collectives true"),
      ([.bfloat16Collectives], 1, 1, "more than one rank"),
      ([.liveRecompute, .noRecompute], 2, 1, "exclude each other"),
      ([.shardedSequence], 12, 1, "20 tokens of a micro-batch over tensor_parallel 12"),
      ([.largerMicroBatch], 1, 8, "global_batch_size 8"),
    ])
  func refusals(whatIfs: [WhatIf], tensor: Int, data: Int, reason: String) throws {
    let base = Self.configuration(Mesh(tensor: tensor, data: data))
    #expect {
      _ = try WhatIf.applied(whatIfs, to: base)
    } throws: {
      $0 is WhatIf.Refusal && "\($0)".contains(reason)
    }
  }

  @Test("A checkpoint of one state sharding is taken up by another")
  func transfer() throws {
    for whatIf in [WhatIf.shardedOptimizer, .replicatedState] {
      let base = Self.configuration(Mesh(tensor: 2, data: 2))
      let changed = try WhatIf.applied([whatIf], to: base)
      let one = try Trainer(base, Emulator.Options(workers: 1))
      let other = try Trainer(changed, Emulator.Options(workers: 1))
      one.initialize(RandomWeights(seed: 5))
      let values = Dictionary(
        uniqueKeysWithValues: one.transfer.read(from: one.emulator).map { ($0.name, $0.values) })
      other.transfer.write(to: other.emulator) { values[$0] ?? [] }
      for weight in other.transfer.read(from: other.emulator) {
        #expect(weight.values == values[weight.name])
      }
    }
  }
}
