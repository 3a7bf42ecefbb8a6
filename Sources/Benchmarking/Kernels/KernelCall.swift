import Kernels

/// A kernel of the emulator with its operands, ready to be called on one thread.
///
/// Operands are the same numbers in every process and on every path.
struct KernelCall {
  /// Bytes of what one call reads and writes, each operand once.
  var bytes = 0
  let run: (inout WorkCounters) -> Void
  /// What the kernel writes, each array by itself.
  var results: () -> [[Float]] = { [] }
  /// The results in double, where there is no portable path to compare with.
  var exact: (() -> [[Double]])?
  var gradient: Gradient?

  /// A gradient that a kernel computes, and the function that it is the gradient of.
  struct Gradient {
    let point: [Double]
    let function: ([Double]) -> Double
    /// The gradient at `point`, once the kernel has run.
    let values: () -> [Float]

    /// The largest difference from the function's slope, relative to the largest slope.
    ///
    /// Slopes are central differences in double, good to about 1e-9, of at most 64 elements.
    func error() -> Double {
      let got = values()
      precondition(got.count == point.count, "a gradient of \(got.count) at \(point.count)")
      let every = max(1, point.count / 64)
      let chosen = stride(from: 0, to: point.count, by: every)
      return largestError(chosen.map { got[$0] }, chosen.map(slope))
    }

    private func slope(_ index: Int) -> Double {
      let h = 1e-5
      var (up, down) = (point, point)
      up[index] += h
      down[index] -= h
      return (function(up) - function(down)) / (2 * h)
    }
  }
}

/// The largest difference, relative to the largest wanted value; infinite for what is not a number.
func largestError(_ got: [Float], _ want: [Double]) -> Double {
  guard got.count == want.count else { return .infinity }
  let scale = want.reduce(1e-30) { max($0, abs($1)) }
  return zip(got, want).reduce(0) {
    let error = abs(Double($1.0) - $1.1) / scale
    return error.isNaN ? .infinity : max($0, error)
  }
}
