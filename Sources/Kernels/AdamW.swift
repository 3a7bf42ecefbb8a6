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

  /// Hides the C struct from the package's interface; its floats are immutable.
  private struct Scalars: @unchecked Sendable {
    let value: ck_adamw_step
    init(_ value: ck_adamw_step) { self.value = value }
  }
}
