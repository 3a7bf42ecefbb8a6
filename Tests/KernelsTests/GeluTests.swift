import CKernels
import Glibc
import Kernels
import Testing

extension KernelsTests {
  @Suite struct GeluTests {
    private func reference(_ x: Double) -> Double {
      0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    }

    @Test(arguments: InstructionSet.available)
    func `exp is right to 2e-7 relative over the whole normal range`(path: InstructionSet) {
      let x = (0..<17_003).map { Float($0) * 0.01 - 86.5 }.filter { $0 < 88.7 }
      var y = [Float](repeating: 0, count: x.count)
      path.run { ck_exp(x, &y, x.count) }
      for (x, y) in zip(x, y) {
        let want = exp(Double(x))
        #expect(abs(Double(y) - want) <= 2e-7 * want, "exp(\(x)) = \(y)")
      }
    }

    @Test(arguments: InstructionSet.available)
    func `exp2 is right to 2e-7 relative, and exact on integers`(path: InstructionSet) {
      let x = (0..<25_300).map { Float($0) * 0.01 - 125.4 }.filter { $0 < 128 }
      var y = [Float](repeating: 0, count: x.count)
      let special: [Float] = [0, -3, 10, -.infinity, .infinity, .nan, -200, 200]
      var z = [Float](repeating: 0, count: special.count)
      path.run {
        ck_exp2(x, &y, x.count)
        ck_exp2(special, &z, special.count)
      }
      for (x, y) in zip(x, y) {
        let want = exp2(Double(x))
        #expect(abs(Double(y) - want) <= 2e-7 * want, "exp2(\(x)) = \(y)")
      }
      #expect(z[..<5] == [1, 0.125, 1024, 0, .infinity])
      #expect(z[5].isNaN && z[6] == 0 && z[7] == .infinity)
    }

    @Test(arguments: InstructionSet.available)
    func `exp of special values`(path: InstructionSet) {
      let x: [Float] = [0, -0.0, -.infinity, .infinity, .nan, -1000, 89, 88.7, -120, 1, 2, 3]
      var y = [Float](repeating: -1, count: x.count)
      path.run { ck_exp(x, &y, x.count) }
      #expect(y[0] == 1 && y[1] == 1)
      #expect(y[2] == 0 && y[5] == 0 && y[8] == 0)
      #expect(y[3] == .infinity && y[6] == .infinity && y[7].isFinite)
      #expect(y[4].isNaN)
    }

    @Test(arguments: InstructionSet.available, [1, 3, 16, 37, 4096])
    func `gelu equals the tanh form and its slope`(path: InstructionSet, count: Int) {
      var noise = Noise(count)
      let z = noise.floats(count, scale: 6)
      let dg = noise.floats(count)
      var g = [Float](repeating: 0, count: count)
      var dz = g
      var work = WorkCounters()
      path.run {
        Gelu.forward(z, into: &g, count: count, counters: &work)
        Gelu.backward(dg, z: z, into: &dz, count: count, counters: &work)
      }
      for i in 0..<count {
        let x = Double(z[i])
        #expect(abs(Double(g[i]) - reference(x)) <= 3e-7 * max(1, abs(x)))
        let want = Double(dg[i]) * slope(of: { reference($0[0]) }, at: [x], 0)
        #expect(abs(Double(dz[i]) - want) <= 1e-6)
      }
      #expect(work == WorkCounters(elements: 2 * count))
    }

    @Test(arguments: InstructionSet.available)
    func `gelu far out is x or 0, with slope 1 or 0`(path: InstructionSet) {
      let z: [Float] = [40, 1e10, -40, -1e10, 0]
      let ones = [Float](repeating: 1, count: 5)
      var g = ones
      var dz = ones
      var work = WorkCounters()
      path.run {
        Gelu.forward(z, into: &g, count: 5, counters: &work)
        Gelu.backward(ones, z: z, into: &dz, count: 5, counters: &work)
      }
      #expect(g[0] == 40 && g[1] == 1e10 && g[2] == 0 && g[3] == 0 && g[4] == 0)
      #expect(dz[0] == 1 && abs(dz[2]) < 1e-30 && dz[4] == 0.5)
    }
  }
}
