import CKernels

/// gelu_new: 0.5·x·(1 + tanh(sqrt(2/pi)·(x + 0.044715·x³))), element by element; counts them.
package enum Gelu {
  package static func forward(
    _ z: UnsafeRawPointer, into g: UnsafeMutableRawPointer, count: Int,
    as format: ElementFormat = .float32, counters: inout WorkCounters
  ) {
    counters.elements += count
    ck_gelu_forward(format.rawValue, z, g, count)
  }

  /// dz = dg · gelu'(z); dz may be dg or z.
  package static func backward(
    _ dg: UnsafeRawPointer, z: UnsafeRawPointer, into dz: UnsafeMutableRawPointer, count: Int,
    as format: ElementFormat = .float32, counters: inout WorkCounters
  ) {
    counters.elements += count
    ck_gelu_backward(format.rawValue, dg, z, dz, count)
  }
}
