/// Figures of the IPU's software that no topology file has: small parts of the step, not fitted.
enum Constants {
  /// A quarter of 24.4 bytes, the tile's own memory: what compiled loops reach of a tile's
  /// bandwidth (47.5 TB/s of a GC200, thecharlieblake.co.uk/ipus; the quarter: Jia et al. 2019).
  static let vectorBytesPerCycleAndTile = 24.4 / 4

  /// Two supersteps of 117 cycles, one IPU's (thorbenlouw/lbm-graphcore, weak scaling in float).
  static let syncCyclesPerOperation = 2 * 117.0

  /// 640 cycles at 1.6 GHz, a sync over 16 IPUs (thorbenlouw/lbm-graphcore, on first-generation IPUs).
  static let secondsPerRingStep = 640 / 1.6e9

  /// Assumption: one exchange with the host through the gateway, beside its bytes.
  static let hostSecondsPerTransfer = 20e-6

  /// Scores are written, read for their maximum, exponentiated in place, summed and read: six times.
  static let softmaxPasses = 6
}
