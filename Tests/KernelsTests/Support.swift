/// Reproducible noise (SplitMix64).
struct Noise {
  private var state: UInt64

  init(_ seed: Int) { state = UInt64(seed) }

  private mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// `count` values in -scale ..< scale.
  mutating func floats(_ count: Int, scale: Float = 1) -> [Float] {
    (0..<count).map { _ in (Float(next() >> 40) / Float(1 << 23) - 1) * scale }
  }

  /// `count` integers of a range.
  mutating func integers(_ count: Int, in range: Range<Int>) -> [Int32] {
    (0..<count).map { _ in Int32(range.lowerBound + Int(next() % UInt64(range.count))) }
  }
}

/// The largest difference, relative to the largest reference value; NaN counts as infinite.
func worst(_ got: [Float], _ want: [Double]) -> Double {
  guard got.count == want.count else { return .infinity }
  let scale = want.reduce(1e-30) { max($0, abs($1)) }
  return zip(got, want).reduce(0) {
    let error = abs(Double($1.0) - $1.1) / scale
    return error.isNaN ? .infinity : max($0, error)
  }
}

func doubles(_ x: [Float]) -> [Double] { x.map(Double.init) }

func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

/// The central difference of f in direction `index`; about 1e-9 relative on smooth functions.
func slope(of f: ([Double]) -> Double, at x: [Double], _ index: Int) -> Double {
  let h = 1e-5
  var up = x
  var down = x
  up[index] += h
  down[index] -= h
  return (f(up) - f(down)) / (2 * h)
}

/// Cuts of 0 ..< count that split kernels are run with.
func cuts(_ count: Int) -> [Range<Int>] {
  [0..<count / 3, count / 3..<count - count / 4, count - count / 4..<count]
}
