import Glibc
import Kernels
import Testing

extension KernelsTests {
  @Suite struct AdamWTests {
    @Test(arguments: InstructionSet.available, [1, 16, 45])
    func `Three steps equal torch's order of operations in double`(
      path: InstructionSet, count: Int
    ) {
      var noise = Noise(count)
      var w = noise.floats(count)
      var m = [Float](repeating: 0, count: count)
      var v = m
      var (wD, mD, vD) = (doubles(w), doubles(m), doubles(v))
      var work = WorkCounters()
      for step in 1...3 {
        let g = noise.floats(count, scale: 0.1)
        let adam = AdamW(
          learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0.1,
          step: step, gradientScale: 0.5)
        path.run {
          for range in [0..<count / 2, count / 2..<count] {
            w.withUnsafeMutableBufferPointer { w in
              m.withUnsafeMutableBufferPointer { m in
                v.withUnsafeMutableBufferPointer { v in
                  g.withUnsafeBufferPointer { g in
                    guard let w = w.baseAddress, let m = m.baseAddress, let v = v.baseAddress,
                      let g = g.baseAddress
                    else { return }
                    let first = range.lowerBound
                    adam.update(
                      weights: w + first, firstMoment: m + first, secondMoment: v + first,
                      gradient: g + first, count: range.count, counters: &work)
                  }
                }
              }
            }
          }
        }
        for i in 0..<count {
          let gradient = Double(g[i]) * 0.5
          wD[i] *= 1 - 0.01 * 0.1
          mD[i] += (gradient - mD[i]) * 0.1
          vD[i] = 0.999 * vD[i] + 0.001 * gradient * gradient
          let root = vD[i].squareRoot() / (1 - pow(0.999, Double(step))).squareRoot()
          wD[i] -= 0.01 / (1 - pow(0.9, Double(step))) * mD[i] / (root + 1e-6)
        }
      }
      #expect(worst(w, wD) < 3e-7)
      #expect(worst(m, mD) < 5e-7)
      #expect(worst(v, vD) < 5e-7)
      #expect(work == WorkCounters(elements: 3 * count))
    }
  }
}
