extension Calibration {
  /// The ensemble that estimates use.
  package static let fitted = Calibration(rows: Rows(step: Demand(), stepKeepingClosingCollectives: Demand(), pass: Demand()))
}
