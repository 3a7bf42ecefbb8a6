package import Configuration

/// Linear warm-up, then constant: the reference's schedule (Graphcore examples, nlp/gpt_j/popxl).
package struct LearningRateSchedule: Sendable, Equatable {
  package let maximum: Double
  package let warmupSteps: Int

  /// Where the warm-up starts, as in the reference.
  package static let start = 1e-7

  package init(maximum: Double, warmupSteps: Int) {
    self.maximum = maximum
    self.warmupSteps = warmupSteps
  }

  package init(_ training: TrainingConfiguration) {
    let rate = training.optimizer.learningRate
    self.init(
      maximum: rate.maximum,
      warmupSteps: Int(Double(training.steps) * rate.warmupProportion))
  }

  /// The rate of a step, counted from 0.
  package subscript(step: Int) -> Double {
    guard step < warmupSteps else { return maximum }
    return Self.start + (maximum - Self.start) * Double(step) / Double(warmupSteps)
  }
}
