/// The figures that the calibration is solved from; all others that are published judge it.
package enum Published {
  /// A central value and the ends of what is published.
  package struct Range: Sendable {
    package let low: Double
    package let central: Double
    package let high: Double
  }

  /// GPT-J 6B on a Bow Pod16 takes 20-22 s a step, printed as 20.5 +- 1 (Graphcore GPT-J notebook).
  package static let stepSeconds = Range(low: 19.5, central: 20.5, high: 21.5)

  /// 9,832 answers in 16 slots, and what they took (Graphcore GPT-J notebook).
  package static let passes = 1450
  package static let passesSeconds = 420.0
  package static var passSeconds: Double { passesSeconds / Double(passes) }

  /// BERT-Large, sequence 512, packed, pipelines of 8 IPUs (MLPerf v2.0, Graphcore, Bow Pod64): DP 8.
  package static let bertPod64Seconds = 0.6212
  package static let bertPod64Accumulation = 96
  package static let bertPod64DataParallel = 8
  /// The same on a Bow Pod256: DP 32.
  package static let bertPod256Seconds = 0.3632
  package static let bertPod256Accumulation = 36
  package static let bertPod256DataParallel = 32
  package static let bertStages = 8

  /// The GPT-J notebook's job: 400 steps, evaluation, checkpoints; its compilations and its loading.
  package static let jobSeconds = 10_020.0
  package static let jobUSD = 74.0
  package static let trainingCompileSeconds = 600.0
  package static let evaluationCompileSeconds = 240.0
  package static let trainingLoadSeconds = 480.0

  /// Dolly 12B at TP 4 (Graphcore Dolly notebook): building its graphs, compiling them, loading.
  package static let dollyGraphSeconds = 78.0
  package static let dollyCompileSeconds = 91.0
  package static let dollyLoadSeconds = 102.0
}
