import CKernels

/// What one core of this host can do at most; run on all workers at once for the host's peak.
package enum HostPeak {
  /// FLOP/s of multiply-adds that stay in registers: the best burst within about `seconds`.
  ///
  /// Of bfloat16 it is that of float32 where the processor has no instruction of its own.
  package static func flopsPerSecond(
    _ format: ElementFormat = .float32, seconds: Double
  ) -> Double {
    ck_peak_flops(format.rawValue, seconds)
  }

  /// Bytes per second of a = b + s·c, three floats an element, over buffers larger than the caches.
  package static func bytesPerSecond(
    _ a: UnsafeMutablePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafePointer<Float>,
    count: Int, seconds: Double
  ) -> Double {
    ck_triad_bytes(a, b, c, count, seconds)
  }

  /// A fixed number of multiply-adds that stay in registers, about a million cycles of a core.
  package static func burst() {
    _ = ck_fma_burst(1)
  }

  /// a = b + s·c once.
  package static func triad(
    _ a: UnsafeMutablePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafePointer<Float>,
    count: Int
  ) {
    ck_triad(b, c, 3, a, count)
  }
}
