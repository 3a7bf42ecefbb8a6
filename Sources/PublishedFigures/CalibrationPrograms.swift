package import CostModel
package import GPTJ
package import Program
import Topology

/// The Programs of the rows that the calibration is solved from.
package enum CalibrationPrograms {
  /// GPT-J 6B as published.
  static let gptj6B = GPTJModel(
    layers: 28, hiddenSize: 4096, heads: 16, vocabularySize: 50400, sequenceLength: 1024,
    rotarySize: 64)

  /// Dolly 12B: GPT-NeoX's block, which asks for what GPT-J's of its size does.
  static let dolly12B = GPTJModel(
    layers: 36, hiddenSize: 5120, heads: 40, vocabularySize: 50280, sequenceLength: 512,
    rotarySize: 32)

  /// The reference's training step on a Bow Pod16.
  package static func step(closingCollectives: Bool = false) throws(PlanError) -> Program {
    var plan = try ParallelPlan.spread(
      128, over: 1, tensorParallel: 16, microBatchSize: 1, model: gptj6B)
    plan.recomputeClosingCollectives = closingCollectives
    plan.attentionSerialisation = 2
    let adamW = Operation.AdamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0)
    return try TrainingStep(
      model: gptj6B, plan: plan,
      optimizer: TrainingStep.Optimizer(adamW: adamW, gradientClipping: 1),
      elementType: .float16
    ).program()
  }

  /// The reference's generative pass on a Bow Pod16.
  package static func pass() throws(PlanError) -> Program {
    try pass(gptj6B, sequenceLength: 229, tensorParallel: 16, microBatchSize: 16)
  }

  /// Dolly's on four IPUs.
  package static func dollyPass() throws(PlanError) -> Program {
    try pass(dolly12B, sequenceLength: 512, tensorParallel: 4, microBatchSize: 1)
  }

  private static func pass(
    _ model: GPTJModel, sequenceLength: Int, tensorParallel: Int, microBatchSize: Int
  ) throws(PlanError) -> Program {
    var model = model
    model.sequenceLength = sequenceLength
    return try InferencePass(
      model: model, tensorParallel: tensorParallel, microBatchSize: microBatchSize,
      elementType: .float16
    ).program()
  }
}

extension Calibration.Rows {
  /// What the rows' Programs ask of the built-in pods.
  package static func derived() throws -> Calibration.Rows {
    func estimator(_ name: String) throws -> Estimator { Estimator(try PodTopology.named(name)) }
    let pod16 = try estimator("pod16")
    let (bert64, bert256) = (try BERTRow.pod64.pipeline(), try BERTRow.pod256.pipeline())
    let demands = bert64.estimator.demands(of: bert64.pipeline)
    return Calibration.Rows(
      step: pod16.demand(of: try CalibrationPrograms.step()),
      stepKeepingClosingCollectives: pod16.demand(
        of: try CalibrationPrograms.step(closingCollectives: true)),
      pass: pod16.demand(of: try CalibrationPrograms.pass()),
      bertStage: demands.stage,
      bertClosing64: demands.closing,
      bertClosing256: bert256.estimator.demands(of: bert256.pipeline).closing)
  }
}
