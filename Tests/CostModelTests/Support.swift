@testable import CostModel
import GPTJ
import Program
import Testing

let gptj6B = GPTJModel(
  layers: 28, hiddenSize: 4096, heads: 16, vocabularySize: 50400, sequenceLength: 1024,
  rotarySize: 64)

func trainingStep(
  _ model: GPTJModel = gptj6B, tensorParallel: Int = 16, dataParallel: Int = 1,
  microBatchSize: Int = 1, closingCollectives: Bool = false
) throws -> Program {
  var plan = try ParallelPlan.spread(
    128, over: dataParallel, tensorParallel: tensorParallel, microBatchSize: microBatchSize,
    model: model)
  plan.recomputeClosingCollectives = closingCollectives
  plan.attentionSerialisation = 2
  return try TrainingStep(
    model: model, plan: plan,
    optimizer: TrainingStep.Optimizer(
      adamW: Operation.AdamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0),
      gradientClipping: 1),
    lossScale: 4096, elementType: .float16
  ).program()
}

func inferencePass(
  _ model: GPTJModel = gptj6B, sequenceLength: Int = 229, tensorParallel: Int = 16,
  microBatchSize: Int = 16
) throws -> Program {
  var model = model
  model.sequenceLength = sequenceLength
  return try InferencePass(
    model: model, tensorParallel: tensorParallel, microBatchSize: microBatchSize,
    elementType: .float16
  ).program()
}
