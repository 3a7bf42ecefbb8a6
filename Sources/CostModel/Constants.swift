/// Figures of the IPU's software that no topology file has: small parts of the step, not fitted.
enum Constants {
  /// What compiled loops reach of the tile's own bandwidth: about a quarter.
  ///
  /// Source: Jia et al. 2019, on the first generation.
  static let vectorShareOfSRAMBandwidth = 0.25

  /// Assumption: an exponential, a tanh or a random number, of 16-bit pairs, on one tile.
  static let cyclesPerFunctionValue = 2.0

  /// A superstep on one IPU ends so (thorbenlouw/lbm-graphcore, weak scaling in float).
  static let cyclesPerSync = 117.0

  /// Data is exchanged before and after computing: an operation is two supersteps.
  static let syncsPerOperation = 2.0

  /// Assumption: one transfer with streaming memory beside its bytes, a round trip over PCIe.
  static let secondsPerStreamingTransfer = 2e-6

  /// Assumption: one exchange with the host through the gateway, beside its bytes.
  static let hostSecondsPerTransfer = 20e-6

  /// Scores are written, read for their maximum, exponentiated in place, summed and read: six times.
  static let softmaxPasses = 6

  /// Dropout reads and writes them once more; the random bits come from the tile's own generator.
  static let dropoutPasses = 2

  /// 16-bit products with 32-bit partial sums, of the rate with 16-bit ones: published only as
  /// between a half and all of it; the middle.
  static let singlePartialsRateShare = 0.75

  /// What the planner of products may use where nothing says: Poplar's own default.
  ///
  /// Source: poplibs, lib/poplin/ConvOptions.hpp, `availableMemoryProportion`; the published curve of
  /// products is taken to have had it.
  static let curveMemoryProportion = 0.6

  /// Of what a product's plan asks for, what is held beside its operands: one of them is laid where it
  /// is needed, the other copied.
  ///
  /// Published runs bound it: GPT-2 medium in phases, with a proportion of 1, leaves its head 0.56.
  static let scratchShareOfPlan = 0.5

  /// Assumption: the runtime and the vertices that all programs share, on each tile.
  static let alwaysLiveBytesPerTile = 32 * 1024

  /// Vertex state and exchange code of one operation as written, on each tile: an assumption.
  ///
  /// No size is published. The largest published runs bound it: GPT-J inference at TP 4 (12 sequences
  /// of 1024) leaves 0.32 of the tiles to 40 operations, GPT-J training at TP 16 more than this asks.
  static let alwaysLiveBytesPerTileAndOperation = 320
}

/// Whole supersteps of a ring between IPUs, whatever their size.
///
/// Source of all: thorbenlouw/lbm-graphcore, 16 first-generation IPUs at 1.6 GHz. A global exchange
/// takes 3043 cycles with halves and 4048 with floats, hence 2038 without any bytes, and a
/// synchronisation 501 (halves) or 640 (floats).
enum RingStep {
  /// The synchronisation alone.
  static let secondsLow = 501 / 1.6e9
  static let seconds = (2038 + 501) / 1.6e9
  /// As if the bytes of the floats cost nothing.
  static let secondsHigh = (4048 + 640) / 1.6e9
}
