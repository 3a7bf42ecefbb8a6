package import Checkpoints
import Configuration

/// The factor on the loss from step to step: fixed, or halved by a gradient that is not finite and
/// doubled after so many that are, in a row.
///
/// Either way a step whose gradient is not finite changes no weight and no moment. An IPU with a fixed
/// factor would carry on with what it has: such a run is lost there.
package struct LossScaling: Sendable, Equatable {
  private let isAutomatic: Bool
  private let period: Int
  package private(set) var state: TrainingState.LossScaling

  package var scale: Double { state.scale }

  /// What the configuration admits: up to there a float32 has every integer.
  private static let range = 1.0...16_777_216

  init(_ execution: ExecutionConfiguration) {
    isAutomatic = execution.automaticLossScaling
    period = execution.lossScalingPeriod
    state = TrainingState.LossScaling(scale: Double(execution.lossScaling))
  }

  /// Goes on where another run stopped; a fixed scale is the configuration's.
  mutating func resume(_ saved: TrainingState.LossScaling) {
    let scale = isAutomatic ? saved.scale : scale
    state = saved
    state.scale = scale
  }

  /// Takes note of a step that ran with this scale.
  mutating func record(isFinite: Bool) {
    state.finiteSteps = isFinite ? state.finiteSteps + 1 : 0
    if !isFinite { state.skippedSteps += 1 }
    guard isAutomatic else { return }
    if !isFinite {
      state.scale = max(state.scale / 2, Self.range.lowerBound)
    } else if state.finiteSteps >= period {
      state.scale = min(state.scale * 2, Self.range.upperBound)
      state.finiteSteps = 0
    }
  }
}
