package import Configuration

/// Linear warm-up, then constant as in the reference (Graphcore examples, nlp/gpt_j/popxl), or
/// linearly down to zero.
package struct LearningRateSchedule: Sendable, Equatable {
  package let maximum: Double
  package let warmupSteps: Int
  /// The step at which the rate would reach zero; nil where it stays.
  package let decaySteps: Int?

  /// Where the warm-up starts, as in the reference.
  package static let start = 1e-7

  package init(maximum: Double, warmupSteps: Int, decaySteps: Int? = nil) {
    self.maximum = maximum
    self.warmupSteps = warmupSteps
    self.decaySteps = decaySteps
  }

  package init(_ training: TrainingConfiguration) {
    let rate = training.optimizer.learningRate
    self.init(
      maximum: rate.maximum, warmupSteps: Int(Double(training.steps) * rate.warmupProportion),
      decaySteps: rate.decay == .linear ? training.steps : nil)
  }

  /// The rate of a step, counted from 0.
  package subscript(step: Int) -> Double {
    if step < warmupSteps {
      return Self.start + (maximum - Self.start) * Double(step) / Double(warmupSteps)
    }
    guard let decaySteps else { return maximum }
    let rest = Double(decaySteps - step) / Double(max(1, decaySteps - warmupSteps))
    return maximum * max(0, rest)
  }
}
