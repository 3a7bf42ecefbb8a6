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
        2.05502613, 0.0858746949, 0.0562032301, 1.28098331, 0.041438, 9.87771888, 616980,
        0.0107834842,
      ]),
    stepKeepingClosingCollectives: Demand(
      values: [
        2.05502613, 0.0858746949, 0.0631557289, 1.28098331, 0.041438, 13.4009342, 832020,
        0.0107834842,
      ]),
    pass: Demand(
      values: [
        0.0121119651, 0.00065266079, 0.000345811856, 0.0480239195, 0.000458, 0.10031493, 3015,
        6.473088e-05,
      ]),
    bertStage: Demand(
      values: [
        0.00250669696, 0.000493026219, 2.73210811e-05, 0, 0, 0.000196608, 2, 0,
      ]),
    bertClosing64: Demand(
      values: [
        0, 1.45964492e-05, 5.5586087e-05, 0, 0, 0.020205696, 588, 2.000256e-05,
      ]),
    bertClosing256: Demand(
      values: [
        0, 7.81955029e-06, 5.47911046e-05, 0, 0, 0.0229767629, 840, 2.000256e-05,
      ]))
}
