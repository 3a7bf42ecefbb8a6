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

  /// The same on weights that are float16 and nothing beside it: computed in float32 in `room`, and
  /// rounded up or down at random, or to the nearest without `rounding`: then a step of less than half
  /// their last place, a two-thousandth to a four-thousandth of them, moves nothing.
  ///
  /// They are elements from `first` on of their tensor.
  package func update(
    halves: UnsafeMutableRawPointer, firstMoment: UnsafeMutablePointer<Float>,
    secondMoment: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>, first: Int,
    count: Int, rounding: StochasticRounding?, room: UnsafeMutablePointer<Float>,
    counters: inout WorkCounters
  ) {
    ElementFormat.float16.widen(halves, into: room, count: count)
    update(
      weights: room, firstMoment: firstMoment, secondMoment: secondMoment, gradient: gradient,
      count: count, counters: &counters)
    if let rounding {
      ElementFormat.float16.narrow(
        room, into: halves, first: first, count: count, rounding: rounding)
    } else {
      ElementFormat.float16.narrow(room, into: halves, count: count)
    }
  }

  /// The same where moments or weights rest in 16 bits: the update widens a block of them at a time
  /// into `scratch`, floats of `blockScratch`, and rounds them back.
  ///
  /// Of moments in bfloat16 the first is rounded to the nearest, the second up or down at random: in a
  /// step that moves it by a thousandth it would never move otherwise. All are elements
  /// `first ..< first + count` of their tensors. `weights` updates one block, given its range, its
  /// moments and its gradient in float32, and room for as many weights.
  package func updateBlocks(
    firstMoment: UnsafeMutableRawPointer, secondMoment: UnsafeMutableRawPointer,
    moments: ElementFormat, gradient: UnsafeRawPointer, as format: ElementFormat, first: Int,
    count: Int, rounding: StochasticRounding, scratch: UnsafeMutablePointer<Float>,
    weights update: (
      _ block: Range<Int>, _ firstMoment: UnsafeMutablePointer<Float>,
      _ secondMoment: UnsafeMutablePointer<Float>, _ gradient: UnsafePointer<Float>,
      _ room: UnsafeMutablePointer<Float>
    ) -> Void
  ) {
    let size = Self.blockSize
    for start in stride(from: 0, to: count, by: size) {
      let count = min(size, count - start)
      let m = wide(firstMoment, moments, start, count, scratch)
      let v = wide(secondMoment, moments, start, count, scratch + size)
      let g = wide(
        UnsafeMutableRawPointer(mutating: gradient), format, start, count, scratch + 2 * size)
      update(start..<start + count, m, v, g, scratch + 3 * size)
      guard moments != .float32 else { continue }
      moments.narrow(m, into: firstMoment + start * moments.bytes, count: count)
      moments.narrow(
        v, into: secondMoment + start * moments.bytes, first: first + start, count: count,
        rounding: rounding)
    }
  }

  /// A block in float32: where it is, or widened into `scratch`.
  private func wide(
    _ values: UnsafeMutableRawPointer, _ format: ElementFormat, _ start: Int, _ count: Int,
    _ scratch: UnsafeMutablePointer<Float>
  ) -> UnsafeMutablePointer<Float> {
    let block = values + start * format.bytes
    guard format != .float32 else { return block.assumingMemoryBound(to: Float.self) }
    format.widen(block, into: scratch, count: count)
    return scratch
  }

  private static let blockSize = 2048
  /// Floats that `updateBlocks` needs.
  package static let blockScratch = 4 * blockSize

  /// Hides the C struct from the package's interface; its floats are immutable.
  private struct Scalars: @unchecked Sendable {
    let value: ck_adamw_step
    init(_ value: ck_adamw_step) { self.value = value }
  }
}
