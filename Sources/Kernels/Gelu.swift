import CKernels

/// gelu_new: 0.5·x·(1 + tanh(sqrt(2/pi)·(x + 0.044715·x³))), element by element; counts them.
package enum Gelu {
  package static func forward(
    _ z: UnsafePointer<Float>, into g: UnsafeMutablePointer<Float>, count: Int,
    counters: inout WorkCounters
  ) {
    counters.elements += count
    ck_gelu_forward(z, g, count)
  }

  /// dz = dg · gelu'(z); dz may be dg or z.
  package static func backward(
    _ dg: UnsafePointer<Float>, z: UnsafePointer<Float>, into dz: UnsafeMutablePointer<Float>,
    count: Int, counters: inout WorkCounters
  ) {
    counters.elements += count
    ck_gelu_backward(dg, z, dz, count)
  }
}
