package import Configuration
import Glibc

/// Linear warm-up, then constant as in the reference (Graphcore examples, nlp/gpt_j/popxl), or
/// falling as transformers' `get_linear_` and `get_cosine_schedule_with_warmup`.
///
/// The warm-up starts where the reference's does, at ``start``; transformers' starts at zero, which
/// makes the first update none.
package struct LearningRateSchedule: Sendable, Equatable {
  package let maximum: Double
  package let warmupSteps: Int
  /// How the rate falls after the warm-up; nil where it stays.
  package let decay: Decay?

  package struct Decay: Sendable, Equatable {
    package enum Shape: Sendable {
      case linear
      /// The first half of a cosine's period.
      case cosine
    }

    package let shape: Shape
    /// The first step, counted from 0, that has the minimum: the one after the last of a run.
    package let end: Int
    package let minimum: Double

    package init(_ shape: Shape, end: Int, minimum: Double = 0) {
      self.shape = shape
      self.end = end
      self.minimum = minimum
    }
  }

  /// Where the warm-up starts, as in the reference.
  package static let start = 1e-7

  package init(maximum: Double, warmupSteps: Int, decay: Decay? = nil) {
    self.maximum = maximum
    self.warmupSteps = warmupSteps
    self.decay = decay
  }

  package init(_ training: TrainingConfiguration) {
    let rate = training.optimizer.learningRate
    let shape: Decay.Shape? =
      switch rate.decay {
      case .none: nil
      case .linear: .linear
      case .cosine: .cosine
      }
    self.init(
      maximum: rate.maximum, warmupSteps: Int(Double(training.steps) * rate.warmupProportion),
      decay: shape.map { Decay($0, end: training.steps, minimum: rate.minimum) })
  }

  /// The rate of a step, counted from 0.
  package subscript(step: Int) -> Double {
    if step < warmupSteps {
      return Self.start + (maximum - Self.start) * Double(step) / Double(warmupSteps)
    }
    guard let decay else { return maximum }
    guard step < decay.end else { return decay.minimum }
    let progress = Double(step - warmupSteps) / Double(decay.end - warmupSteps)
    return decay.minimum + (maximum - decay.minimum) * decay.shape.share(after: progress)
  }
}

extension LearningRateSchedule.Decay.Shape {
  /// What is left, from 1 to 0, after that share of the way.
  fileprivate func share(after progress: Double) -> Double {
    switch self {
    case .linear: 1 - progress
    case .cosine: 0.5 * (1 + cos(.pi * progress))
    }
  }
}
