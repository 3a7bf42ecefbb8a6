import Kernels

/// What one thread of this machine can do at most.
package struct KernelPeaks: Sendable {
  /// FLOP/s of multiply-adds in registers.
  package let float32, bfloat16: Double
  /// Bytes per second over operands of 64 MiB, each counted once.
  package let bytesPerSecond: [KernelRow.MemoryPass: Double]

  /// Measures them, in about `seconds` each.
  package init(seconds: Double = 0.2) {
    let count = 1 << 24
    let (a, b, c) = (Buffer.zeros(count), Buffer.noise(count), Buffer.noise(count, seed: 2))
    float32 = HostPeak.flopsPerSecond(.float32, seconds: seconds)
    bfloat16 = HostPeak.flopsPerSecond(.bfloat16, seconds: seconds)
    var counters = WorkCounters()
    func rate(floats: Int, _ pass: () -> Void) -> Double {
      Double(floats * count * MemoryLayout<Float>.size) / leastSeconds(within: seconds, pass)
    }
    bytesPerSecond = [
      .reading: rate(floats: 1) {
        _ = Elementwise.sumOfSquares(c.start, count: count, counters: &counters)
      },
      .updating: rate(floats: 2) {
        Elementwise.scale(b.start, by: -1, into: b.start, count: count, counters: &counters)
      },
      .writing: rate(floats: 3) { HostPeak.triad(a.start, b.start, c.start, count: count) },
    ]
  }

  /// What a row's speed is held against; only libraries multiply bfloat16 as such, our own kernels
  /// compute in float32.
  func callAsFunction(_ row: KernelRow) -> Double {
    switch row.bound {
    case .bytes(let pass): bytesPerSecond[pass] ?? 0
    case .operations: row.format == .bfloat16 && row.engine != .own ? bfloat16 : float32
    }
  }
}

extension KernelRow {
  package struct Speed: Sendable {
    package let secondsPerCall: Double
    /// FLOP/s or bytes per second, as the row's bound says.
    package let rate: Double
    /// Of the peak that is measured beside it; above 1 where operands stay in a cache.
    package let shareOfPeak: Double
  }

  /// The best of the calls that fit about `seconds`, at least three, at the large size on this thread.
  package func speed(_ peaks: KernelPeaks, seconds limit: Double = 0.2) -> Speed {
    let call = large()
    var counters = WorkCounters()
    call.run(&counters)
    let work = bound.isBytes ? call.bytes : counters.flops
    let fastest = leastSeconds(within: limit) { call.run(&counters) }
    let rate = Double(work) / fastest
    return Speed(secondsPerCall: fastest, rate: rate, shareOfPeak: rate / max(peaks(self), 1))
  }
}

/// What the fastest of the calls that fit `limit` took, of three at least: one that was interrupted
/// says nothing about the machine.
private func leastSeconds(within limit: Double, _ call: () -> Void) -> Double {
  var (least, calls) = (Double.infinity, 0)
  let start = seconds()
  repeat {
    let before = seconds()
    call()
    least = min(least, seconds() - before)
    calls += 1
  } while calls < 3 || seconds() - start < limit
  return max(least, 1e-9)
}
