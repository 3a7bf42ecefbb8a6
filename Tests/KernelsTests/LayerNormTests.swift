import Kernels
import Testing

extension KernelsTests {
  @Suite struct LayerNormTests {
    private static let epsilon: Float = 1e-5

    private func reference(_ x: [Double], _ gamma: [Double], _ beta: [Double]) -> [Double] {
      let width = gamma.count
      return stride(from: 0, to: x.count, by: width).flatMap { start in
        let row = x[start..<start + width]
        let mean = row.reduce(0, +) / Double(width)
        let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(width)
        let rstd = 1 / (variance + Double(Self.epsilon)).squareRoot()
        return row.enumerated().map { ($1 - mean) * rstd * gamma[$0] + beta[$0] }
      }
    }

    @Test(
      arguments: InstructionSet.available, [(1, 7), (5, 8), (4, 33), (3, 64), (2, 131), (150, 20)])
    func `Forward and all three gradients equal the double reference`(
      path: InstructionSet, shape: (rows: Int, width: Int)
    ) {
      let (rows, width) = shape
      var noise = Noise(rows * width)
      let x = noise.floats(rows * width, scale: 3).map { $0 + 5 }
      let dy = noise.floats(rows * width)
      let gamma = noise.floats(width)
      let beta = noise.floats(width)
      var y = x
      var dx = x
      var stats = [Float](repeating: 0, count: 2 * rows)
      var dGamma = [Float](repeating: 10, count: width)
      var dBeta = dGamma
      var work = WorkCounters()
      path.run {
        LayerNorm.forward(
          x, gamma: gamma, beta: beta, into: &y, stats: &stats, rows: 0..<rows, width: width,
          epsilon: Self.epsilon, counters: &work)
        LayerNorm.backward(
          dy, x: x, stats: stats, gamma: gamma, into: &dx, rows: 0..<rows, width: width,
          counters: &work)
        LayerNorm.parameterGradient(
          dy, x: x, stats: stats, dGamma: &dGamma, dBeta: &dBeta, rows: rows, width: width,
          columns: 0..<width, counters: &work)
      }
      #expect(work == WorkCounters(elements: 3 * rows * width))
      #expect(worst(y, reference(doubles(x), doubles(gamma), doubles(beta))) < 2e-6)

      let row = (rows - 1) * width
      let lastX = doubles(Array(x[row...]))
      let loss = { (x: [Double], gamma: [Double], beta: [Double]) in
        zip(reference(x, gamma, beta), dy[row...]).reduce(0) { $0 + $1.0 * Double($1.1) }
      }
      let (g, b) = (doubles(gamma), doubles(beta))
      let wantX = (0..<width).map { i in slope(of: { loss($0, g, b) }, at: lastX, i) }
      #expect(worst(Array(dx[row...]), wantX) < 5e-6)
      let all = reference(doubles(x), [Double](repeating: 1, count: width), b.map { _ in 0 })
      let columns = 0..<width
      let wantGamma = columns.map { c in
        (0..<rows).reduce(10) { $0 + Double(dy[$1 * width + c]) * all[$1 * width + c] }
      }
      let wantBeta = columns.map { c in (0..<rows).reduce(10) { $0 + Double(dy[$1 * width + c]) } }
      #expect(worst(dGamma, wantGamma) < 2e-6)
      #expect(worst(dBeta, wantBeta) < 2e-6)
      if rows == 1 {
        let slopes = columns.map { i in slope(of: { loss(lastX, $0, b) }, at: g, i) + 10 }
        #expect(worst(dGamma, slopes) < 2e-6)
      }
    }

    @Test(arguments: InstructionSet.available)
    func `Cuts of rows and columns give the bits of the whole`(path: InstructionSet) {
      let (rows, width) = (71, 77)
      var noise = Noise(1)
      let x = noise.floats(rows * width)
      let dy = noise.floats(rows * width)
      let gamma = noise.floats(width)
      func run(_ rowCuts: [Range<Int>], _ columnCuts: [Range<Int>]) -> [[Float]] {
        var y = x
        var dx = x
        var stats = [Float](repeating: 0, count: 2 * rows)
        var dGamma = gamma
        var dBeta = gamma
        var work = WorkCounters()
        for cut in rowCuts {
          LayerNorm.forward(
            x, gamma: gamma, beta: gamma, into: &y, stats: &stats, rows: cut, width: width,
            epsilon: Self.epsilon, counters: &work)
          LayerNorm.backward(
            dy, x: x, stats: stats, gamma: gamma, into: &dx, rows: cut, width: width,
            counters: &work)
        }
        for cut in columnCuts {
          LayerNorm.parameterGradient(
            dy, x: x, stats: stats, dGamma: &dGamma, dBeta: &dBeta, rows: rows, width: width,
            columns: cut, counters: &work)
        }
        return [y, dx, stats, dGamma, dBeta]
      }
      path.run { #expect(run([0..<rows], [0..<width]) == run(cuts(rows), cuts(width))) }
    }
  }
}
