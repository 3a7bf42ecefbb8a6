import Checkpoints
import Emulator
import FineTuning
import Foundation
import GPTJ
import Program
import Testing

/// A fixture that `Scripts/make-fixtures` wrote with Hugging Face transformers and torch.
struct Fixture {
  let model: GPTJModel
  let weights: SafetensorsFile
  let gradients: SafetensorsFile
  let updates: SafetensorsFile

  /// Sequences of a batch, and their length.
  static let batch = 8
  static let sequence = 13

  init(_ name: String) throws {
    func file(_ part: String) throws -> SafetensorsFile {
      let url = Bundle.module.url(
        forResource: "\(name).\(part)", withExtension: "safetensors", subdirectory: "Fixtures")
      return try SafetensorsFile(path: #require(url).path)
    }
    weights = try file("weights")
    gradients = try file("gradients")
    updates = try file("updates")
    model = GPTJModel(
      layers: name == "gptj-v257" ? 2 : 1, hiddenSize: 64, heads: 16,
      vocabularySize: name == "gptj-v257" ? 257 : 403, sequenceLength: Self.sequence,
      rotarySize: 4)
  }
}

/// Norm of the difference over the norm.
func relativeError(_ values: [Float], _ expected: [Float]) -> Double {
  precondition(values.count == expected.count, "\(values.count) values, expected \(expected.count)")
  var difference = 0.0
  var norm = 0.0
  for (value, reference) in zip(values, expected) {
    difference += pow(Double(value) - Double(reference), 2)
    norm += pow(Double(reference), 2)
  }
  return (difference / max(norm, 1e-300)).squareRoot()
}

/// A small training run on emulated shards, fed with a fixture's batches.
struct FixtureRun {
  let fixture: Fixture
  let program: Program
  let emulator: Emulator
  let transfer: ParameterTransfer
  let plan: ParallelPlan

  init(
    _ fixture: Fixture, tensorParallel: Int, dataParallel: Int, microBatch: Int = 1,
    recompute: ParallelPlan.Recompute = .full, workers: Int = 2, sharesReplicas: Bool = true,
    keepsTemporaries: Bool = true, dropout: TrainingStep.Dropout? = nil, lora: LoRA? = nil,
    _ floats: ((_ name: String) throws -> [Float])? = nil
  ) throws {
    self.fixture = fixture
    var plan = try ParallelPlan.spread(
      Fixture.batch, over: dataParallel, tensorParallel: tensorParallel,
      microBatchSize: microBatch, model: fixture.model)
    plan.recompute = recompute
    self.plan = plan
    program = try TrainingStep(
      model: fixture.model, plan: plan,
      optimizer: TrainingStep.Optimizer(
        adamW: Operation.AdamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0.01),
        gradientClipping: 1),
      elementType: .float32, dropout: dropout, lora: lora
    ).program()
    var options = Emulator.Options(workers: workers, sharesReplicas: sharesReplicas)
    options.keepsTemporaries = keepsTemporaries
    emulator = try Emulator(program, options)
    transfer = ParameterTransfer(model: fixture.model, mesh: plan.mesh, lora: lora)
    try transfer.write(to: emulator) { name in
      try floats?(name) ?? fixture.weights.floats(of: name)
    }
  }

  /// Runs one step on a batch of the fixture and returns its mean loss.
  @discardableResult
  func step(_ index: Int) throws -> (loss: Double, norm: Double, measured: StepMeasurement) {
    let tokens = Fixture.batch * Fixture.sequence
    let range = index * tokens..<(index + 1) * tokens
    try fill(TrainingStep.HostTensor.inputIDs, fixture.weights.ints(of: "input_ids")[range])
    try fill(TrainingStep.HostTensor.labels, fixture.weights.ints(of: "labels")[range])
    let rate = try fixture.updates.floats(of: "learning_rates")[index]
    for rank in 0..<plan.ranks {
      let schedule = try memory(TrainingStep.HostTensor.schedule, 0, rank, Float.self)
      schedule[0] = rate
      schedule[1] = Float(index + 1)
    }
    let measured = emulator.run()
    var loss = 0.0
    for replica in 0..<plan.dataParallel {
      for batch in 0..<plan.gradientAccumulation {
        let rank = replica * plan.tensorParallel
        loss += Double(try memory(TrainingStep.HostTensor.loss, batch, rank, Float.self)[0])
      }
    }
    let norm = Double(try memory(TrainingStep.HostTensor.gradientNorm, 0, 0, Float.self)[0])
    return (loss / Double(plan.dataParallel * plan.gradientAccumulation), norm, measured)
  }

  /// The global batch goes to replicas first, then to micro-batches.
  private func fill(_ name: String, _ values: ArraySlice<Int>) throws {
    let tokens = plan.microBatchSize * Fixture.sequence
    for rank in 0..<plan.ranks {
      for batch in 0..<plan.gradientAccumulation {
        let target = try memory(name, batch, rank, Int32.self)
        let chunk = plan.mesh.dataIndex(of: rank) * plan.gradientAccumulation + batch
        for token in 0..<tokens {
          target[token] = Int32(values[values.startIndex + chunk * tokens + token])
        }
      }
    }
  }

  func memory<Element>(
    _ name: String, _ instance: Int, _ rank: Int, _ type: Element.Type
  ) throws -> UnsafeMutableBufferPointer<Element> {
    let tensor = try #require(program.tensor(named: name))
    return emulator.memory(of: tensor, instance: instance, rank: rank).bindMemory(to: type)
  }

  /// All gradients of the last step under their names, the embedding's last.
  func gradients() throws -> [(name: String, shape: [Int], values: [Float])] {
    try transfer.read(from: emulator, suffix: ".gradient")
      .filter { $0.name != "transformer.wte.weight" } + [embeddingGradient()]
  }

  /// The embedding's gradient, which never leaves the tiles, summed over replicas.
  func embeddingGradient() throws -> (name: String, shape: [Int], values: [Float]) {
    let parameter = transfer.parameters.embedding
    let name = "embedding_backward_optimizer/embedding.weight.gradient"
    let locals = try (0..<plan.tensorParallel).map { tensorIndex in
      var sum = [Float](repeating: 0, count: parameter.count)
      for replica in 0..<plan.dataParallel {
        let rank = replica * plan.tensorParallel + tensorIndex
        let part = try memory(name, 0, rank, Float.self)
        for index in sum.indices { sum[index] += part[index] }
      }
      return sum
    }
    return transfer.join(locals, parameter, 0)[0]
  }
}

@Suite("Emulated shards compute what Hugging Face transformers and torch compute")
struct HuggingFaceParityTests {
  static let cases = ["gptj-v257", "gptj-v403"]
  static let plans = [1, 2, 4, 8, 16].flatMap { tensor in
    [1, 2, 4].map { data in (tensor: tensor, data: data) }
  }

  @Test(
    "Loss and every gradient agree to 1e-5 for every TP and DP", arguments: cases,
    plans)
  func gradients(name: String, plan: (tensor: Int, data: Int)) throws {
    let fixture = try Fixture(name)
    let run = try FixtureRun(
      fixture, tensorParallel: plan.tensor, dataParallel: plan.data,
      recompute: plan.tensor == 4 ? .none : .full)
    let loss = try run.step(0).loss
    let expected = Double(try fixture.weights.floats(of: "loss")[0])
    #expect(abs(loss - expected) < 1e-5 * expected)
    let gradients = try run.gradients()
    for gradient in gradients {
      let reference = try fixture.gradients.floats(of: "grad." + gradient.name)
      let error = relativeError(gradient.values, reference)
      #expect(error < 1e-5, "\(gradient.name): \(error)")
    }
    #expect(gradients.count == fixture.gradients.names.count)
  }

  @Test(
    "Weights after 20 AdamW steps agree to 1e-4 of their updates", arguments: cases,
    plans)
  func updates(name: String, plan: (tensor: Int, data: Int)) throws {
    let fixture = try Fixture(name)
    let run = try FixtureRun(
      fixture, tensorParallel: plan.tensor, dataParallel: plan.data, microBatch: 2,
      keepsTemporaries: false)
    let losses = try fixture.updates.floats(of: "losses")
    let norms = try fixture.updates.floats(of: "gradient_norms")
    for index in losses.indices {
      let (loss, norm, _) = try run.step(index)
      #expect(abs(loss - Double(losses[index])) < 1e-5 * loss, "step \(index)")
      #expect(abs(norm - Double(norms[index])) < 1e-4 * norm, "step \(index)")
    }
    for weight in run.transfer.read(from: run.emulator) {
      let initial = try fixture.weights.floats(of: weight.name)
      let update = zip(weight.values, initial).map { $0 - $1 }
      let reference = try fixture.updates.floats(of: "update." + weight.name)
      let error = relativeError(update, reference)
      #expect(error < 1e-4, "\(weight.name): \(error)")
    }
  }

  @Test("Logits agree to 1e-5 for every TP", arguments: cases, [1, 2, 4, 8, 16])
  func logits(name: String, tensorParallel: Int) throws {
    let fixture = try Fixture(name)
    let program = try InferencePass(
      model: fixture.model, tensorParallel: tensorParallel, microBatchSize: Fixture.batch,
      elementType: .float32
    ).program()
    var options = Emulator.Options(workers: 2)
    options.keepsTemporaries = true
    let emulator = try Emulator(program, options)
    let transfer = ParameterTransfer(model: fixture.model, mesh: program.mesh)
    try transfer.write(to: emulator) { try fixture.weights.floats(of: $0) }
    let ids = try #require(program.tensor(named: InferencePass.HostTensor.inputIDs))
    let tokens = Fixture.batch * Fixture.sequence
    let values = try fixture.weights.ints(of: "input_ids").prefix(tokens)
    for rank in 0..<tensorParallel {
      let memory = emulator.memory(of: ids, rank: rank).bindMemory(to: Int32.self)
      for (index, id) in values.enumerated() { memory[index] = Int32(id) }
    }
    _ = emulator.run()
    let shards = try #require(program.tensor(named: "head/logits"))
    let columns = program[shards].columns
    let vocabulary = fixture.model.vocabularySize
    var logits = [Float](repeating: 0, count: tokens * vocabulary)
    for rank in 0..<tensorParallel {
      let shard = emulator.memory(of: shards, rank: rank).bindMemory(to: Float.self)
      for token in 0..<tokens {
        for column in 0..<columns where rank * columns + column < vocabulary {
          logits[token * vocabulary + rank * columns + column] = shard[token * columns + column]
        }
      }
    }
    let error = relativeError(logits, try fixture.weights.floats(of: "logits"))
    #expect(error < 1e-5, "\(error)")
  }

  /// What the script measured with the mistake planted in torch; see `Scripts/make-fixtures`.
  private struct Description: Decodable {
    let logits: [String: Double]
    let updates: [String: Double]

    enum CodingKeys: String, CodingKey {
      case logits = "mutants_change_logits_by"
      case updates = "mutants_change_updates_by"
    }
  }

  @Test("Usual mistakes would show by more than ten times the tolerance", arguments: cases)
  func mutants(name: String) throws {
    let url = try #require(
      Bundle.module.url(forResource: name, withExtension: "json", subdirectory: "Fixtures"))
    let mutants = try JSONDecoder().decode(Description.self, from: Data(contentsOf: url))
    #expect(mutants.logits.count >= 3)
    for (mistake, change) in mutants.logits { #expect(change > 1e-4, "\(mistake)") }
    for (mistake, change) in mutants.updates { #expect(change > 1e-3, "\(mistake)") }
  }
}
