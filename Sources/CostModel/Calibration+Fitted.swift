extension Calibration {
  /// The ensemble that estimates use, solved from the demands below.
  package static let fitted = Calibration(rows: .published)
}

extension Calibration.Rows {
  /// Kept here so that a start need not build and walk the rows' Programs; `validate --fit` derives
  /// them anew, and a test holds these against that.
  package static let published = Calibration.Rows(
    step: Demand(
      values: [
        1.99265327, 0.0858746949, 0.0562032301, 1.28098331, 0.041438, 9.87771888, 616980,
        0.0107834842,
      ]),
    stepKeepingClosingCollectives: Demand(
      values: [
        1.99265327, 0.0858746949, 0.0631557289, 1.28098331, 0.041438, 13.4009342, 832020,
        0.0107834842,
      ]),
    pass: Demand(
      values: [
        0.0120317946, 0.00065266079, 0.000345811856, 0.0480239195, 0.000458, 0.10031493, 3015,
        6.473088e-05,
      ]),
    bertStage: Demand(
      values: [
        0.00231793964, 0.000505027052, 2.39059459e-05, 0, 0, 0.000196608, 2, 0,
      ]),
    bertStageWithoutRecompute: Demand(
      values: [
        0.00174299454, 0.000356804928, 1.70756757e-05, 0, 0, 0.000196608, 2, 0,
      ]),
    bertClosing64: Demand(
      values: [
        0, 0.000100090184, 0.00012564417, 0.0700985539, 8e-06, 0.030188928, 14, 0,
      ]),
    bertClosing256: Demand(
      values: [
        0, 0.000100090184, 0.00012564417, 0.0700985539, 8e-06, 0.0343291238, 20, 0,
      ]))
}
