package import Program

/// How long one Program takes on one topology, and what it moves: all of one IPU, none measured.
package struct StepEstimate: Sendable, Equatable {
  package let program: String
  package let mesh: Mesh
  /// The central member of the calibration's ensemble.
  package let seconds: Double
  /// The ensemble's extremes.
  package let secondsLow: Double
  package let secondsHigh: Double
  /// The central member's seconds by cause.
  package let time: TimeSplit
  package let phases: [Phase]
  package let flopsPerIPU: Int
  package let streamingLoadBytesPerIPU: Int
  package let streamingStoreBytesPerIPU: Int
  package let hostBytesPerIPU: Int
  /// Buffer size x calls, over every group; what travels on the links says `wire`.
  package let allReduceBytesPerIPU: Int
  package let allGatherBytesPerIPU: Int
  package let reduceScatterBytesPerIPU: Int
  package let allReduceWireBytesPerIPU: Double
  package let allGatherWireBytesPerIPU: Double
  package let reduceScatterWireBytesPerIPU: Double
  package let collectives: CollectiveTally

  /// One phase, all its runs in a step together.
  package struct Phase: Sendable, Equatable {
    package let name: String
    /// How often it runs in a step.
    package let count: Int
    package let time: TimeSplit
    /// The phase's own extremes: they do not add up to the step's, where one phase's gain is
    /// another's loss.
    package let secondsLow: Double
    package let secondsHigh: Double
    package let work: Work

    package var seconds: Double { time.total }
  }

  /// Tokens of a global batch over the step's seconds.
  package func tokensPerSecond(tokensPerStep: Int) -> Double {
    seconds > 0 ? Double(tokensPerStep) / seconds : 0
  }

  /// The share of the step that its largest cause takes, and which that is.
  package var bound: (cause: String, share: Double) {
    let largest = time.parts.max { $0.seconds < $1.seconds }
    return (largest?.name ?? "compute", seconds > 0 ? (largest?.seconds ?? 0) / seconds : 0)
  }
}
