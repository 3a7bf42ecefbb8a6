import CKernels

/// How a kernel's matrices are stored; whatever it is, kernels compute in float32.
///
/// Results are rounded to the nearest, ties to even; beyond a format's range they become infinite.
package enum ElementFormat: Int32, CaseIterable, Sendable {
  case float32 = 0
  /// The upper half of a float32: its range, 8 bits of its precision.
  case bfloat16 = 1
  /// IEEE's: 11 bits of precision from 6e-5 to 65,504, fewer down to 6e-8.
  case float16 = 2

  package var bytes: Int { self == .float32 ? 4 : 2 }

  /// What gains, biases and sums of weight gradients are beside matrices of this format.
  ///
  /// Float16 has nothing wider, as on an IPU.
  package var ofSums: ElementFormat { self == .float16 ? .float16 : .float32 }
}

extension ElementFormat {
  /// To float32, exact.
  package func widen(
    _ source: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>, count: Int
  ) {
    ck_widen(rawValue, source, target, count)
  }

  /// Rounded to the nearest, ties to even; a no-number stays one.
  package func narrow(
    _ source: UnsafePointer<Float>, into target: UnsafeMutableRawPointer, count: Int
  ) {
    ck_narrow(rawValue, source, target, count)
  }

  /// Rounded up or down with the chances that make the mean the number itself, to 2^-16 of the
  /// distance between the two.
  ///
  /// Both are elements `first ..< first + count` of a tensor: however it is cut, it is rounded alike.
  package func narrow(
    _ source: UnsafePointer<Float>, into target: UnsafeMutableRawPointer, first: Int, count: Int,
    rounding: StochasticRounding
  ) {
    withUnsafePointer(to: rounding.value) {
      ck_narrow_stochastic(rawValue, source, target, first, count, $0)
    }
  }

  /// Floats as they are after a trip through this format, in place.
  package func round(_ values: UnsafeMutablePointer<Float>, count: Int) {
    ck_round_trip(rawValue, values, values, count)
  }
}
