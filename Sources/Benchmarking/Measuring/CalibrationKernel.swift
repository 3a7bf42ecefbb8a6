import Kernels
import Regression

/// Fixed work, of a few milliseconds, that tells how fast the machine is just now.
struct CalibrationKernel {
  /// 8 MiB each: more than the second-level cache of any core there is.
  private static let floats = 1 << 21
  private let a = Buffer.zeros(floats)
  private let b = Buffer.noise(floats, seed: 1)
  private let c = Buffer.noise(floats, seed: 2)

  func run(_ calibrator: Calibrator) {
    switch calibrator {
    case .compute: for _ in 0..<4 { HostPeak.burst() }
    case .memory:
      for _ in 0..<4 { HostPeak.triad(a.start, b.start, c.start, count: Self.floats) }
    }
  }
}
