import GPTJ
import Program
import Testing
import Transformers

/// GPT-J described as data against GPT-J's own Program, which the emulator runs and proves.
@Suite struct OracleTests {
  struct Case: CustomTestStringConvertible {
    let tensor, data, micro, batch, vocabulary, sequence: Int
    var closing = false
    var dropout = false

    var testDescription: String { "TP \(tensor) x DP \(data), vocabulary \(vocabulary)" }
  }

  static let cases = [
    Case(tensor: 16, data: 1, micro: 1, batch: 128, vocabulary: 50_400, sequence: 1024),
    Case(tensor: 16, data: 4, micro: 1, batch: 128, vocabulary: 50_400, sequence: 1024),
    Case(
      tensor: 16, data: 1, micro: 2, batch: 8, vocabulary: 50_401, sequence: 256, closing: true),
    Case(
      tensor: 4, data: 2, micro: 1, batch: 4, vocabulary: 403, sequence: 64, dropout: true),
    Case(tensor: 1, data: 1, micro: 1, batch: 2, vocabulary: 257, sequence: 32),
  ]

  @Test(arguments: cases)
  func `A training step of GPT-J has the same work in every phase`(_ item: Case) throws {
    let model = GPTJModel(
      layers: 28, hiddenSize: 4096, heads: 16, vocabularySize: item.vocabulary,
      sequenceLength: item.sequence, rotarySize: 64)
    var parallel = try ParallelPlan.spread(
      item.batch, over: item.data, tensorParallel: item.tensor, microBatchSize: item.micro,
      model: model)
    parallel.recomputeClosingCollectives = item.closing
    let oracle = try TrainingStep(
      model: model, plan: parallel,
      optimizer: TrainingStep.Optimizer(
        adamW: Operation.AdamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0),
        gradientClipping: 1),
      elementType: .float16,
      dropout: item.dropout ? TrainingStep.Dropout(probability: 0.1, seed: 1) : nil
    ).program()
    let plan = ExecutionPlan(
      sequenceLength: item.sequence, microBatchSize: item.micro, globalBatchSize: item.batch,
      tensorParallel: item.tensor, dataParallel: item.data, hasDropout: item.dropout,
      hasAttentionDropout: item.dropout, recomputeClosingCollectives: item.closing)
    let described = try described("gpt-j", vocabulary: item.vocabulary)
    let program = try PhasedTrainingStep(model: described, plan: plan).program()
    #expect(program.phaseNames == oracle.phaseNames)
    for (own, other) in zip(program.workByPhase, oracle.workByPhase) {
      #expect(own.work == other.work, "\(own.phase)")
    }
    #expect(described.parameterCount == model.parameterCount)
    #expect(program.streamingBytes == oracle.streamingBytes)
    #expect(program.liveness().phases.map(\.bytes) == oracle.liveness().phases.map(\.bytes))
    let flops = described.modelFlops(
      tokens: plan.tokensPerStep, sequenceLength: item.sequence)
    #expect(flops == Double(model.modelFlops(tokens: plan.tokensPerStep)))
  }

  @Test(arguments: [(16, 16, 229), (4, 12, 1024), (1, 1, 64)])
  func `A generation pass of GPT-J has the same work in every phase`(
    _ tensor: Int, _ micro: Int, _ sequence: Int
  ) throws {
    let oracle = try InferencePass(
      model: GPTJModel(
        layers: 28, hiddenSize: 4096, heads: 16, vocabularySize: 50_400,
        sequenceLength: sequence, rotarySize: 64),
      tensorParallel: tensor, microBatchSize: micro, elementType: .float16
    ).program()
    let program = try GenerationPass(
      model: described("gpt-j"),
      plan: ExecutionPlan(
        task: .generation, sequenceLength: sequence, microBatchSize: micro,
        globalBatchSize: micro, tensorParallel: tensor)
    ).program()
    #expect(program.phaseNames == oracle.phaseNames)
    for (own, other) in zip(program.workByPhase, oracle.workByPhase) {
      #expect(own.work == other.work, "\(own.phase)")
    }
  }
}
