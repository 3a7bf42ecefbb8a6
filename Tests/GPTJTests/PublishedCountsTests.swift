import GPTJ
import Program
import Testing

/// GPT-J 6B with the reference's sizes (Graphcore examples, nlp/gpt_j/popxl, config/finetuning.yml).
let gptj6B = GPTJModel(
  layers: 28, hiddenSize: 4096, heads: 16, vocabularySize: 50400, sequenceLength: 1024,
  rotarySize: 64)

func trainingStep(
  tensorParallel: Int = 16, dataParallel: Int = 1, closingCollectives: Bool = false
) throws -> Program {
  var plan = try ParallelPlan.spread(
    128, over: dataParallel, tensorParallel: tensorParallel, microBatchSize: 1, model: gptj6B)
  plan.recomputeClosingCollectives = closingCollectives
  return try TrainingStep(
    model: gptj6B, plan: plan,
    optimizer: TrainingStep.Optimizer(
      adamW: Operation.AdamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0),
      gradientClipping: 1),
    lossScale: 4096, elementType: .float16
  ).program()
}

func isWithin(_ share: Double, _ value: Double, of expected: Double) -> Bool {
  abs(value - expected) <= share * expected
}

@Suite("The training step agrees with what is published about the reference")
struct PublishedCountsTests {
  @Test("GPT-J 6B has 6,050,882,784 parameters")
  func parameters() {
    #expect(gptj6B.parameterCount == 6_050_882_784)
  }

  @Test("A Pod16 step computes 395 TFLOP, loads 11.75 GB and stores 8.43 GB on each IPU")
  func pod16Totals() throws {
    let work = try trainingStep().work
    print(work)
    #expect(isWithin(0.01, Double(work.flops), of: 395e12))
    #expect(isWithin(0.01, Double(work.loadBytes), of: 11.745e9))
    #expect(isWithin(0.01, Double(work.storeBytes), of: 8.431e9))
  }
}
