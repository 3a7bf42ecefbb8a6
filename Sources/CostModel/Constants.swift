/// Figures of the IPU's software that no topology file has: small parts of the step, not fitted.
enum Constants {
  /// What compiled loops reach of the tile's own bandwidth: about a quarter.
  ///
  /// Source: Jia et al. 2019, on the first generation.
  static let vectorShareOfSRAMBandwidth = 0.25

  /// Two supersteps of 117 cycles, one IPU's (thorbenlouw/lbm-graphcore, weak scaling in float).
  static let syncCyclesPerOperation = 2 * 117.0

  /// 640 cycles at 1.6 GHz, a sync over 16 IPUs (thorbenlouw/lbm-graphcore, on first-generation IPUs).
  static let secondsPerRingStep = 640 / 1.6e9

  /// Assumption: one exchange with the host through the gateway, beside its bytes.
  static let hostSecondsPerTransfer = 20e-6

  /// Assumption: between half and all of the rate, of which this is the middle; none is published.
  static let singlePartialsShareOfHalfRate = 0.75

  /// Scores are written, read for their maximum, exponentiated in place, summed and read: six times.
  static let softmaxPasses = 6

  /// Dropout reads and writes them once more; the random bits come from the tile's own generator.
  static let dropoutPasses = 2

  /// Code of all phases, exchange code and vertex state.
  ///
  /// No size is published. Fitted to the largest published run that fits (GPT-J inference at TP 4,
  /// 12 sequences of 1024): it leaves 0.32, of which this is the middle.
  static let alwaysLiveShareOfSRAM = 0.16
}
