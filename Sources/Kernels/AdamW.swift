import CKernels

/// AdamW as torch.optim.AdamW computes it: bias-corrected, decoupled decay, eps outside the root.
package struct AdamW: Sendable {
  private let scalars: Scalars

  /// The scalars of one step (from 1 on), worked out in double and rounded once.
  ///
  /// Gradients are multiplied by `gradientScale` (clipping, averaging) before anything else.
  package init(
    learningRate: Double, beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double,
    step: Int, gradientScale: Double = 1
  ) {
    precondition(step >= 1, "AdamW: steps count from 1, not \(step)")
    scalars = Scalars(
      ck_adamw_prepare(
        learningRate, beta1, beta2, epsilon, weightDecay, step, gradientScale))
  }

  /// Updates weights and both moments of a flat range in place; counts its elements.
  package func update(
    weights: UnsafeMutablePointer<Float>, firstMoment: UnsafeMutablePointer<Float>,
    secondMoment: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>, count: Int,
    counters: inout WorkCounters
  ) {
    counters.elements += count
    withUnsafePointer(to: scalars.value) {
      ck_adamw(weights, firstMoment, secondMoment, gradient, count, $0)
    }
  }

  /// The same on weights in two halves: the bfloat16 that everybody else reads, rounded to the
  /// nearest, and how much the float32 weight is above or below it, in units of its last place.
  package func update(
    weights: UnsafeMutablePointer<UInt16>, low: UnsafeMutablePointer<Int16>,
    firstMoment: UnsafeMutablePointer<Float>, secondMoment: UnsafeMutablePointer<Float>,
    gradient: UnsafePointer<Float>, count: Int, counters: inout WorkCounters
  ) {
    counters.elements += count
    withUnsafePointer(to: scalars.value) {
      ck_adamw_split(weights, low, firstMoment, secondMoment, gradient, count, $0)
    }
  }

  /// The same where moments rest in bfloat16: the update widens a block of them at a time into
  /// `scratch`, floats of `blockScratch`, and rounds them back.
  ///
  /// The first moment is rounded to the nearest, the second up or down at random: in a step that moves
  /// it by a thousandth it would never move otherwise. All are elements `first ..< first + count` of
  /// their tensors; a bfloat16 gradient is widened as well. `weights` updates one block, given its
  /// range, its moments and its gradient.
  package func updateBlocks(
    firstMoment: UnsafeMutablePointer<UInt16>, secondMoment: UnsafeMutablePointer<UInt16>,
    gradient: UnsafeRawPointer, as format: ElementFormat, first: Int, count: Int,
    rounding: StochasticRounding, scratch: UnsafeMutablePointer<Float>,
    weights update: (
      _ block: Range<Int>, _ firstMoment: UnsafeMutablePointer<Float>,
      _ secondMoment: UnsafeMutablePointer<Float>, _ gradient: UnsafePointer<Float>
    ) -> Void
  ) {
    let size = Self.blockSize
    let (m, v, wide) = (scratch, scratch + size, scratch + 2 * size)
    for start in stride(from: 0, to: count, by: size) {
      let count = min(size, count - start)
      BFloat16.widen(firstMoment + start, into: m, count: count)
      BFloat16.widen(secondMoment + start, into: v, count: count)
      var block = gradient.assumingMemoryBound(to: Float.self) + start
      if format == .bfloat16 {
        BFloat16.widen(
          gradient.assumingMemoryBound(to: UInt16.self) + start, into: wide, count: count)
        block = UnsafePointer(wide)
      }
      update(start..<start + count, m, v, block)
      BFloat16.narrow(m, into: firstMoment + start, count: count)
      BFloat16.narrow(
        v, into: secondMoment + start, first: first + start, count: count, rounding: rounding)
    }
  }

  private static let blockSize = 2048
  /// Floats that `updateBlocks` needs.
  package static let blockScratch = 3 * blockSize

  /// Hides the C struct from the package's interface; its floats are immutable.
  private struct Scalars: @unchecked Sendable {
    let value: ck_adamw_step
    init(_ value: ck_adamw_step) { self.value = value }
  }
}
