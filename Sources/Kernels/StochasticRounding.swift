import CKernels

/// Where the random bits of one tensor's rounding in one step come from.
package struct StochasticRounding: @unchecked Sendable {
  let value: ck_rounding

  /// `stream` tells the tensor from all others.
  package init(seed: Int, step: Int, stream: UInt64) {
    value = ck_rounding(
      seed: UInt32(truncatingIfNeeded: seed), step: UInt32(truncatingIfNeeded: step),
      stream: stream)
  }
}
