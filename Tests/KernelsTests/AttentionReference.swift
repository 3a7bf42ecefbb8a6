import Glibc
import Kernels

/// One head of one sequence in double, with the whole T x T matrix.
struct ReferenceHead {
  let shape: Attention
  let sequence: Int
  let head: Int
  /// What dropout multiplies a probability by, (key, query); empty for no dropout.
  let factors: [Double]
  var output: [Double] = []
  var logSumExp: [Double] = []
  var dOutput: [Double] = []
  private var q: [Double] = []
  private var k: [Double] = []
  private var v: [Double] = []
  private var probabilities: [Double] = []

  init(
    _ shape: Attention, _ qkv: [Double], dOutput: [Double], sequence: Int, head: Int,
    factors: [Double] = []
  ) {
    self.factors = factors
    self.shape = shape
    self.sequence = sequence
    self.head = head
    let width = shape.heads * shape.headDim
    q = columns(qkv, stride: 3 * width, from: head * shape.headDim)
    k = columns(qkv, stride: 3 * width, from: width + head * shape.headDim)
    v = columns(qkv, stride: 3 * width, from: 2 * width + head * shape.headDim)
    self.dOutput = columns(dOutput, stride: width, from: head * shape.headDim)
    forward()
  }

  private func columns(_ x: [Double], stride: Int, from first: Int) -> [Double] {
    (0..<shape.sequence).flatMap { row in
      let start = (sequence * shape.sequence + row) * stride + first
      return x[start..<start + shape.headDim]
    }
  }

  private func dot(_ a: [Double], _ i: Int, _ b: [Double], _ j: Int) -> Double {
    let d = shape.headDim
    var sum = 0.0
    for c in 0..<d { sum += a[i * d + c] * b[j * d + c] }
    return sum
  }

  private func factor(_ query: Int, _ key: Int) -> Double {
    factors.isEmpty ? 1 : factors[key * shape.sequence + query]
  }

  private mutating func forward() {
    let (s, d) = (shape.sequence, shape.headDim)
    probabilities = [Double](repeating: 0, count: s * s)
    output = [Double](repeating: 0, count: s * d)
    for i in 0..<s {
      let scores = (0...i).map { dot(q, i, k, $0) / Double(d).squareRoot() }
      let top = scores.reduce(scores[0], max)
      let lse = top + log(scores.reduce(0) { $0 + exp($1 - top) })
      logSumExp.append(lse)
      for j in 0...i {
        let p = exp(scores[j] - lse)
        probabilities[i * s + j] = p
        for c in 0..<d { output[i * d + c] += p * factor(i, j) * v[j * d + c] }
      }
    }
  }

  /// Writes this head's part of the full-width arrays, with the gradients.
  func scatter(_ outputs: inout [Double], _ lses: inout [Double], _ dqkv: inout [Double]) {
    let (s, d, width) = (shape.sequence, shape.headDim, shape.heads * shape.headDim)
    for i in 0..<s {
      let token = sequence * s + i
      let at = token * 3 * width + head * d
      lses[token * shape.heads + head] = logSumExp[i]
      for c in 0..<d { outputs[token * width + head * d + c] = output[i * d + c] }
      let delta = dot(output, i, dOutput, i)
      for j in 0...i {
        let key = (sequence * s + j) * 3 * width + head * d
        let p = probabilities[i * s + j]
        let kept = factor(i, j)
        let ds = p * (kept * dot(dOutput, i, v, j) - delta) / Double(d).squareRoot()
        for c in 0..<d {
          dqkv[at + c] += ds * k[j * d + c]
          dqkv[key + width + c] += ds * q[i * d + c]
          dqkv[key + 2 * width + c] += p * kept * dOutput[i * d + c]
        }
      }
    }
  }
}
