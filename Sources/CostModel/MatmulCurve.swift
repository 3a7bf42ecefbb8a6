import Program

#if canImport(Glibc)
  import Glibc
#endif

/// The share of an IPU's peak that a dense matmul reaches, by its size: published points, and
/// straight lines between them on logarithmic axes.
///
/// Source of every point: graphcore-research/sparsity-benchmarks, analysis/Analysis.ipynb, the plot
/// of dense products, digitised to about 3 %. Its clock is not stated; the largest points fit a
/// GC200 (249.6 and 62.4 TFLOP/s), so shares are of those peaks.
struct MatmulCurve: Sendable {
  /// One line of the plot: C (m, n) = A (m, k) B (k, n) with m = k.
  struct Line: Sendable {
    let logSize: Double
    /// log n and log share, in ascending order of n.
    let points: [(logBatch: Double, logShare: Double)]

    init(size: Double, peak: Double, _ teraflops: [(n: Double, rate: Double)]) {
      logSize = log(size)
      points = teraflops.map { (log($0.n), log($0.rate / peak)) }
    }

    /// Extended as a straight line below the first point, level beyond the last.
    func logShare(_ logBatch: Double) -> Double {
      guard let last = points.last, logBatch < last.logBatch else {
        return points.last?.logShare ?? 0
      }
      let upper = max(1, points.firstIndex { $0.logBatch > logBatch } ?? 1)
      let (a, b) = (points[upper - 1], points[upper])
      return a.logShare + (b.logShare - a.logShare) * (logBatch - a.logBatch)
        / (b.logBatch - a.logBatch)
    }
  }

  let lines: [Line]
  let logLargestShare: Double

  /// The share of peak for a product of these dimensions, each at least 1.
  ///
  /// The plot has two equal dimensions and a third: here the two closest in ratio stand for the
  /// equal ones, by their geometric mean, and what is left is the third.
  func share(rows: Int, inner: Int, columns: Int) -> Double {
    func side(_ length: Int) -> Double { log(Double(max(1, length))) }
    let (a, b, c) = (side(rows), side(inner), side(columns))
    let (least, most) = (min(a, min(b, c)), max(a, max(b, c)))
    let middle = a + b + c - least - most
    let lowestIsThird = most - middle <= middle - least
    let third = lowestIsThird ? least : most
    let size = (middle + (lowestIsThird ? most : least)) / 2
    return exp(min(logLargestShare, logShare(size: size, batch: third)))
  }

  /// Below the smallest line a product counts as one of that size and of its own volume: over the
  /// whole plot, the share is nearly a function of the volume alone (0.48, 0.54 and 0.52 where 1024,
  /// 2048 and 4096 squared meet 1024, 256 and 64).
  private func logShare(size: Double, batch: Double) -> Double {
    guard let first = lines.first, let last = lines.last else { return 0 }
    guard size > first.logSize else { return first.logShare(batch + 2 * (size - first.logSize)) }
    guard size < last.logSize else { return last.logShare(batch) }
    let upper = max(1, lines.firstIndex { $0.logSize > size } ?? 1)
    let (a, b) = (lines[upper - 1], lines[upper])
    let (low, high) = (a.logShare(batch), b.logShare(batch))
    return low + (high - low) * (size - a.logSize) / (b.logSize - a.logSize)
  }
}

extension MatmulCurve {
  static func curve(for type: ElementType) -> MatmulCurve {
    type.isHalf ? half : single
  }

  /// 16-bit inputs and partials, TFLOP/s.
  static let half = MatmulCurve(
    lines: [
      line(1024, 249.6, [6.0, 20.3, 45.5, 89.3, 120, 153, 180, 206, 223]),
      line(2048, 249.6, [12.8, 44.3, 82.4, 134, 166, 200, 211, 229]),
      line(4096, 249.6, [18.2, 61.2, 130, 175, 205, 223]),
      line(8192, 249.6, [21.4, 72.0, 157, 223]),
    ], logLargestShare: log(229 / 249.6))

  /// 32-bit, TFLOP/s; the plot has no points at n = 2048.
  static let single = MatmulCurve(
    lines: [
      singleLine(1024, [3.7, 11.2, 21.3, 34.5, 44.0, 56.0]),
      singleLine(4096, [7.1, 22.5, 41.7, 53.1, 56.0, 59.1]),
    ], logLargestShare: log(60.7 / 62.4))

  private static func line(_ size: Double, _ peak: Double, _ rates: [Double]) -> Line {
    Line(
      size: size, peak: peak, Array(zip([4, 16, 64, 256, 1024, 2048, 4096, 8192, 16384], rates)))
  }

  private static func singleLine(_ size: Double, _ rates: [Double]) -> Line {
    Line(size: size, peak: 62.4, Array(zip([4, 16, 64, 256, 1024, 4096], rates)))
  }
}
