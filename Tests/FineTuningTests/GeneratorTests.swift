import Configuration
import Datasets
import Emulator
import FineTuning
import GPTJ
import Program
import Testing

@Suite("Greedy generation on emulated shards")
struct GeneratorTests {
  private static let model = GPTJModel(
    layers: 2, hiddenSize: 64, heads: 16, vocabularySize: 67, sequenceLength: 24, rotarySize: 4)
  /// Large enough that the most likely token depends on the prompt.
  private static let weights = RandomWeights(seed: 11, standardDeviation: 0.3)

  private static let prompts: [[Int32]] = (0..<9).map { prompt in
    let count = 3 + prompt * 7 % 17
    return (0..<count).map { token -> Int32 in
      let mixed = prompt * 31 + token * 17 + token * token
      return Int32(mixed % 67)
    }
  }

  private func generator(
    tensorParallel: Int = 1, batch: Int = 1, output: Int = 6, endOfText: Int32 = -1,
    sampling: Sampling? = nil, workers: Int = 2
  ) throws -> Generator {
    try Generator(
      pass(tensorParallel: tensorParallel, batch: batch), outputLength: output,
      endOfText: endOfText, sampling: sampling, Emulator.Options(workers: workers),
      write: Self.write)
  }

  private func pass(tensorParallel: Int, batch: Int) -> InferencePass {
    InferencePass(
      model: Self.model, tensorParallel: tensorParallel, microBatchSize: batch,
      elementType: .float32)
  }

  private static func write(_ transfer: ParameterTransfer, _ emulator: Emulator) {
    transfer.write(to: emulator) { name in
      weights.values(of: name, count: count(of: name))
    }
  }

  private static func count(of name: String) -> Int {
    for parameter in ParameterSet(model, tensorParallel: 1).all {
      for template in parameter.huggingFaceNames {
        if (0..<model.layers).contains(where: { template.replacing(".N.", with: ".\($0).") == name }
        ) {
          return parameter.fullShape.reduce(1, *)
        }
      }
    }
    return 0
  }

  @Test("Slots that are filled again answer as prompts one by one do", arguments: [2, 4, 16])
  func slots(batch: Int) throws {
    let single = try generator()
    // A token that ends some answers early and others not, so that slots get out of step.
    let free = try single.answers(to: Self.prompts)
    #expect(free.allSatisfy { $0.count == 6 })
    let endOfText = free[1][2]
    let one = try generator(endOfText: endOfText)
    let expected = try Self.prompts.map { try one.answers(to: [$0])[0] }
    #expect(Set(expected.map(\.count)).count > 1)
    let many = try generator(batch: batch, endOfText: endOfText)
    #expect(try many.answers(to: Self.prompts) == expected)
    #expect(try many.answers(to: Self.prompts.reversed()) == expected.reversed())
    for answer in expected {
      #expect(answer.count == 6 || answer.last == endOfText)
      #expect(!answer.dropLast().contains(endOfText))
    }
  }

  @Test("Greedy tokens are those of whole passes without a cache", arguments: [1, 2, 16])
  func withoutCache(tensorParallel: Int) throws {
    let program = try pass(tensorParallel: tensorParallel, batch: 1).program()
    let emulator = try Emulator(program, Emulator.Options(workers: 2))
    Self.write(ParameterTransfer(model: Self.model, mesh: program.mesh), emulator)
    func set(_ name: String, _ values: [Int32]) throws {
      let tensor = try #require(program.tensor(named: name))
      for rank in 0..<tensorParallel {
        let memory = emulator.memory(of: tensor, rank: rank).bindMemory(to: Int32.self)
        for (index, value) in values.enumerated() { memory[index] = value }
      }
    }
    let next = try #require(program.tensor(named: InferencePass.HostTensor.nextIDs))
    let expected = try Self.prompts.map { prompt in
      var ids = prompt
      while ids.count < min(prompt.count + 6, Self.model.sequenceLength) {
        try set(InferencePass.HostTensor.inputIDs, ids)
        try set(InferencePass.HostTensor.lastRows, [Int32(ids.count - 1)])
        _ = emulator.run()
        ids.append(emulator.memory(of: next, rank: 0).bindMemory(to: Int32.self)[0])
      }
      return Array(ids[prompt.count...])
    }
    #expect(Set(expected).count > 4)
    let cached = try generator(tensorParallel: tensorParallel, batch: 4)
    #expect(try cached.answers(to: Self.prompts) == expected)
    #expect(cached.measurement.generatedTokens == expected.reduce(0) { $0 + $1.count })
    #expect(cached.measurement.promptTokens == Self.prompts.reduce(0) { $0 + $1.count })
  }

  @Test("Tokens are reported as they come, prompt by prompt in order")
  func reports() throws {
    var reported = [[Int32]](repeating: [], count: Self.prompts.count)
    let answers = try generator(batch: 4).answers(to: Self.prompts) { reported[$0].append($1) }
    #expect(reported == answers)
  }

  @Test("Drawn answers depend on the seed, but not on batch, sharding or workers")
  func drawing() throws {
    let sampling = Sampling(temperature: 1.5, topK: 40, topP: 0.95, seed: 3)
    let expected = try generator(sampling: sampling).answers(to: Self.prompts)
    #expect(try generator(sampling: sampling).answers(to: Self.prompts) == expected)
    for (tensorParallel, batch, workers) in [(1, 4, 1), (1, 9, 3), (4, 2, 2), (16, 5, 2)] {
      let found = try generator(
        tensorParallel: tensorParallel, batch: batch, sampling: sampling, workers: workers)
      #expect(try found.answers(to: Self.prompts) == expected)
    }
    var other = sampling
    other.seed = 4
    #expect(try generator(sampling: other).answers(to: Self.prompts) != expected)
    let greedy = try generator(batch: 3).answers(to: Self.prompts)
    #expect(greedy != expected)
    #expect(
      try generator(sampling: Sampling(topK: 1, seed: 9)).answers(to: Self.prompts) == greedy)
    #expect(
      try generator(sampling: Sampling(topP: 0, seed: 9)).answers(to: Self.prompts) == greedy)
  }

  @Test("Prompts longer than a run are read in parts")
  func longPrompts() throws {
    var model = Self.model
    model.sequenceLength = 1400
    let prompts = [1300, 3, 700, 520].map { count in
      (0..<count).map { Int32(($0 * $0 + count) % 67) }
    }
    func answers(batch: Int) throws -> [[Int32]] {
      try Generator(
        InferencePass(
          model: model, tensorParallel: 1, microBatchSize: batch, elementType: .float32),
        outputLength: 3, endOfText: -1, Emulator.Options(workers: 2), write: Self.write
      ).answers(to: prompts)
    }
    let one = try answers(batch: 1)
    #expect(try answers(batch: 3) == one && one.allSatisfy { $0.count == 3 })
  }

  @Test("Answers do not depend on the sharding, and on the prompt they do", arguments: [2, 4, 16])
  func sharding(tensorParallel: Int) throws {
    let expected = try generator().answers(to: Self.prompts)
    #expect(Set(expected).count > 4)
    let found = try generator(tensorParallel: tensorParallel, batch: 3).answers(to: Self.prompts)
    #expect(found == expected)
  }

  @Test("A token generated on 16 shards is the one that unsharded training finds most likely")
  func mostLikely() throws {
    var configuration = smallConfiguration(
      vocabulary: 67, sequence: 24, batch: 1, rate: 0)
    configuration.training.optimizer.learningRate.warmupProportion = 0
    configuration.execution.microBatchSize = 1
    let trainer = try Trainer(configuration, Emulator.Options(workers: 2))
    trainer.initialize(Self.weights)
    let generator = try generator(tensorParallel: 16, batch: 2, output: 1)
    for prompt in Self.prompts.prefix(3) {
      let padding = [Int32](repeating: 0, count: 24 - prompt.count)
      // Only the last position has a label: the loss is minus the logarithm of its probability.
      let losses = try (0..<Int32(67)).map { token in
        var labels = [Int32](repeating: -100, count: 24)
        labels[prompt.count - 1] = token
        return try trainer.update(on: Batch(ids: prompt + padding, labels: labels)).loss
      }
      let best = losses.indices.min { losses[$0] < losses[$1] }
      #expect(try generator.answers(to: [prompt]) == [[Int32(best ?? -1)]])
    }
  }

  @Test("An answer ends where the sequence does")
  func sequenceEnd() throws {
    let prompt = [Int32](repeating: 5, count: 22)
    #expect(try generator().answers(to: [prompt])[0].count == 2)
  }

  @Test("Prompts without room for an answer are refused by number", arguments: [0, 24, 25, 500])
  func refusals(length: Int) throws {
    let prompt = [Int32](repeating: 5, count: length)
    let error = GenerationError.promptLength(index: 1, tokens: length, sequenceLength: 24)
    #expect(throws: error) { try generator(batch: 2).answers(to: [[1, 2], prompt]) }
    #expect("\(error)".contains("prompt 2 has \(length) tokens, expected 1 to 23"))
  }

  @Test("An id outside the vocabulary is refused by number", arguments: [-1, 67, Int32.max])
  func foreignIDs(id: Int32) throws {
    let error = GenerationError.token(index: 0, id: id, vocabulary: 67)
    #expect(throws: error) { try generator().answers(to: [[1, id]]) }
    #expect("\(error)" == "prompt 1 has the id \(id), expected 0 to 66")
  }

  @Test("No prompts, no answers")
  func none() throws {
    #expect(try generator().answers(to: []) == [])
  }
}
