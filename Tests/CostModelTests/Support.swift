import CostModel
import GPTJ
import Program
import Testing
import Topology

let gptj6B = GPTJModel(
  layers: 28, hiddenSize: 4096, heads: 16, vocabularySize: 50400, sequenceLength: 1024,
  rotarySize: 64)

/// A training step over 128 sequences, in fp16, with the reference's two blocks of attention.
func trainingStep(
  _ model: GPTJModel = gptj6B, tensorParallel: Int = 16, dataParallel: Int = 1,
  microBatchSize: Int = 1, closingCollectives: Bool = false, elementType: ElementType = .float16
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
    lossScale: 4096, elementType: elementType
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

func estimator(_ name: String = "pod16", _ change: (inout PodTopology) -> Void = { _ in }) throws
  -> Estimator
{
  var topology = try PodTopology.named(name)
  change(&topology)
  return Estimator(topology)
}

func isWithin(_ share: Double, _ value: Double, of expected: Double) -> Bool {
  abs(value - expected) <= share * abs(expected)
}
