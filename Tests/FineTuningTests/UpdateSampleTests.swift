import Configuration
import Emulator
import FineTuning
import Foundation
import Testing

@Suite("Sampled updates")
struct UpdateSampleTests {
  struct Case: CustomTestStringConvertible {
    var tensor = 1
    var data = 1
    var stages = 1
    var precision = Precision.float32
    var state = ExecutionConfiguration.StateType.own
    var testDescription: String { "TP\(tensor) DP\(data) PP\(stages) \(precision) \(state)" }
  }

  @Test(
    "are AdamW's in float64, to the rounding of what holds them",
    arguments: [
      Case(), Case(tensor: 4, data: 2), Case(data: 2, stages: 2), Case(precision: .bfloat16),
      Case(tensor: 2, precision: .bfloat16, state: .bfloat16), Case(state: .bfloat16),
    ])
  func formula(plan: Case) throws {
    var configuration = smallConfiguration(tensorParallel: plan.tensor, dataParallel: plan.data)
    configuration.execution.pipelineParallel = plan.stages
    configuration.execution.stateType = plan.state
    configuration.model.precision = plan.precision
    configuration.training.optimizer.gradientClipping = 0.5
    configuration.training.optimizer.weightDecay = 0.1
    let trainer = try Trainer(configuration, Emulator.Options(workers: 2))
    trainer.initialize(RandomWeights(seed: 3))
    var batches = try TrainingTask(seed: 1).batches(configuration)
    let isNarrow = plan.state == .bfloat16
    var moves = 0
    for step in 1...4 {
      let (update, samples) = try trainer.sampledUpdate(
        on: batches.next(), tensors: 17, elements: 5)
      #expect(update.step == step && update.gradientNorm > 0.5)
      #expect(Set(samples.map { "\($0.parameter) \($0.layer)" }).count == 17)
      for sample in samples {
        let gradient = Double(sample.gradient) * sample.gradientScale
        let (before, after) = (sample.before, sample.after)
        let first =
          sample.beta1 * Double(before.firstMoment) + (1 - sample.beta1) * gradient
        let second =
          sample.beta2 * Double(before.secondMoment) + (1 - sample.beta2) * gradient * gradient
        let corrected = (
          first / (1 - pow(sample.beta1, Double(step))),
          second / (1 - pow(sample.beta2, Double(step)))
        )
        let move =
          sample.learningRate * corrected.0 / (corrected.1.squareRoot() + sample.epsilon)
        let weight =
          Double(before.weight) * (1 - sample.learningRate * sample.weightDecay) - move
        let precision = isNarrow ? 1.0 / 128 : 1e-6
        #expect(
          abs(Double(after.firstMoment) - first) <= precision * abs(first) + 1e-6 * abs(gradient))
        #expect(abs(Double(after.secondMoment) - second) <= precision * second)
        #expect(
          abs(Double(after.weight) - weight) <= 1.2e-7
            * max(abs(weight), abs(Double(before.weight))) + 1e-5 * abs(move))
        if after.weight != before.weight { moves += 1 }
      }
    }
    #expect(moves > 200)
  }
}
