extension Calibration {
  /// The ensemble that estimates use, solved from the demands below.
  package static let fitted = Calibration(rows: .bowPod16)
}

extension Calibration.Rows {
  /// Kept here so that a start need not build and walk the rows' Programs; a test derives them anew
  /// from GPT-J's Programs on the built-in `pod16`.
  package static let bowPod16 = Calibration.Rows(
    step: Demand(
      matmulSeconds: 1.895887841, vectorSeconds: 0.06707294785, exchangeSeconds: 0.04804333391,
      streamingSeconds: 1.280983309, ringSeconds: 9.877718880, ringLatencySeconds: 0.2467920000,
      hostSeconds: 0.01078348416),
    stepKeepingClosingCollectives: Demand(
      matmulSeconds: 1.895887841, vectorSeconds: 0.06707294785, exchangeSeconds: 0.05499583265,
      streamingSeconds: 1.280983309, ringSeconds: 13.40093424, ringLatencySeconds: 0.3328080000,
      hostSeconds: 0.01078348416),
    pass: Demand(
      matmulSeconds: 0.01077026206, vectorSeconds: 0.0005492600691,
      exchangeSeconds: 0.0003387286129, streamingSeconds: 0.04802391949,
      ringSeconds: 0.1003149300, ringLatencySeconds: 0.001206000000, hostSeconds: 6.473088e-05))
}
