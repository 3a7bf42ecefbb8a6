import CKernels

/// How a kernel's matrices are stored; whatever it is, kernels compute in float32.
package enum ElementFormat: Int32, CaseIterable, Sendable {
  case float32 = 0
  /// The upper half of a float32: its range, 8 bits of its precision. Results are rounded to the
  /// nearest, ties to even.
  case bfloat16 = 1

  package var bytes: Int { self == .float32 ? 4 : 2 }
}
