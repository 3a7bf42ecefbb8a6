import GPTJ
import Program
import Testing

/// Counted by hand here, from the sizes alone and without any of the model's own formulae.
@Suite("The Program agrees with the closed formulae")
struct TheoryTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var layers: Int
    var hidden: Int
    var inner: Int
    var heads: Int
    var vocabulary: Int
    var sequence: Int
    var batch: Int
    var tensor: Int
    var data: Int
    var micro: Int

    var testDescription: String {
      "\(layers) x \(hidden), V \(vocabulary), TP \(tensor) x DP \(data), micro-batch \(micro)"
    }

    var model: GPTJModel {
      GPTJModel(
        layers: layers, hiddenSize: hidden, heads: heads, vocabularySize: vocabulary,
        sequenceLength: sequence, rotarySize: 2, feedForwardSize: inner)
    }

    func program(_ recompute: ParallelPlan.Recompute) throws -> Program {
      var plan = try ParallelPlan.spread(
        batch, over: data, tensorParallel: tensor, microBatchSize: micro, model: model)
      plan.recompute = recompute
      return try TrainingStep(
        model: model, plan: plan,
        optimizer: TrainingStep.Optimizer(
          adamW: Operation.AdamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0),
          gradientClipping: 1),
        elementType: .float32
      ).program()
    }

    var tokens: Int { batch * sequence }
    /// Matmul weights of one layer: q, k, v, output, and both of the feed-forward.
    var layerWeights: Int { 4 * hidden * hidden + 2 * hidden * inner }
    /// Scores and their use: two products, multiplications and additions, of one layer forward.
    var attention: Int { 4 * tokens * sequence * hidden }
    /// The vocabulary with the columns that pad its shards.
    var padded: Int { (vocabulary + tensor - 1) / tensor * tensor }
    var head: Int { 6 * tokens * hidden * padded }
  }

  static let cases = [
    Case(
      layers: 28, hidden: 4096, inner: 16384, heads: 16, vocabulary: 50400, sequence: 1024,
      batch: 128, tensor: 16, data: 1, micro: 1),
    Case(
      layers: 28, hidden: 4096, inner: 16384, heads: 16, vocabulary: 50400, sequence: 2048,
      batch: 64, tensor: 16, data: 4, micro: 2),
    Case(
      layers: 12, hidden: 768, inner: 3072, heads: 12, vocabulary: 50257, sequence: 512, batch: 32,
      tensor: 4, data: 2, micro: 4),
    Case(
      layers: 3, hidden: 64, inner: 192, heads: 8, vocabulary: 403, sequence: 13, batch: 8,
      tensor: 8, data: 2, micro: 1),
    Case(
      layers: 1, hidden: 32, inner: 128, heads: 4, vocabulary: 257, sequence: 7, batch: 3,
      tensor: 1, data: 1, micro: 3),
  ]

  @Test(
    "With recompute: forward, again, and twice for the backward, and the scores once more",
    arguments: cases)
  func recomputed(_ size: Case) throws {
    let program = try size.program(.full)
    let forward = 2 * size.tokens * size.layerWeights + size.attention
    let scores = size.attention / 2
    let expected = size.layers * (4 * forward + scores) + size.head
    #expect(program.work.flops * program.mesh.ranks == expected)
  }

  @Test(
    "Without recompute: forward and twice for the backward, and the scores once more",
    arguments: cases)
  func kept(_ size: Case) throws {
    let program = try size.program(.none)
    let forward = 2 * size.tokens * size.layerWeights + size.attention
    let expected = size.layers * (3 * forward + size.attention / 2) + size.head
    #expect(program.work.flops * program.mesh.ranks == expected)
  }

  @Test("An inference pass is one forward pass with the head over all positions", arguments: cases)
  func inference(_ size: Case) throws {
    let program = try InferencePass(
      model: size.model, tensorParallel: size.tensor, microBatchSize: size.batch,
      elementType: .float16
    ).program()
    let forward = 2 * size.tokens * size.layerWeights + size.attention
    let expected = size.layers * forward + size.head / 3
    #expect(program.work.flops * size.tensor == expected)
  }

  @Test(
    "Parameters: by formula, by shards without padding, and by what streaming memory holds",
    arguments: cases)
  func parameters(_ size: Case) throws {
    let norms = 2 * size.hidden
    let biases = size.inner + size.hidden
    let ends = 2 * size.vocabulary * size.hidden + size.vocabulary
    let expected = size.layers * (size.layerWeights + biases + norms) + norms + ends
    #expect(size.model.parameterCount == expected)
    let program = try size.program(.full)
    var held = 0
    var stored = 0
    for parameter in ParameterSet(size.model, tensorParallel: size.tensor).all {
      let instances = parameter.isPerLayer ? size.layers : 1
      let ranks = parameter.partition == .replicated ? 1 : size.tensor
      for rank in 0..<ranks {
        let rows = parameter.regions(tensorIndex: rank).reduce(0) { $0 + $1.rows * $1.columns }
        held += rows * instances
      }
      let tensor = program[try #require(program.tensor(named: parameter.name))]
      #expect(tensor.instanceCount == instances)
      stored += tensor.count * instances * program.mesh.ranks
    }
    #expect(held == expected)
    #expect(stored >= expected)
    // The embedding's rows round up to 16 a rank, the head's to the ranks, a shard to its group.
    let slack = 16 * size.tensor * size.hidden + size.tensor * (size.hidden + 1)
    #expect(stored - expected <= slack + program.mesh.ranks * 13 * size.layers)
  }
}
