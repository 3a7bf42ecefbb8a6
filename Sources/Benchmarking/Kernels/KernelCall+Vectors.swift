import Glibc
import Kernels

extension KernelCall {
  static func gelu(
    _ pass: KernelPass, count: Int, as format: ElementFormat = .float32
  ) -> KernelCall {
    let z = Elements(noise: count, format)
    let g = Elements(zeros: count, format)
    guard pass == .backward else {
      return KernelCall(
        bytes: z.bytes + g.bytes,
        run: { Gelu.forward(z.start, into: g.start, count: count, as: format, counters: &$0) },
        results: { [g.values] })
    }
    let dg = Elements(noise: count, seed: 2, format)
    return KernelCall(
      bytes: z.bytes + dg.bytes + g.bytes,
      run: {
        Gelu.backward(dg.start, z: z.start, into: g.start, count: count, as: format, counters: &$0)
      }, results: { [g.values] },
      gradient: Gradient(
        point: z.doubles,
        function: { [weights = dg.doubles] z in
          zip(z, weights).reduce(0) {
            let x = $1.0
            let inner = (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)
            return $0 + $1.1 * 0.5 * x * (1 + tanh(inner))
          }
        }
      ) { g.values })
  }

  /// (a + b) + c: the residual and both branches of a block.
  static func sumOfThree(count: Int, as format: ElementFormat = .float32) -> KernelCall {
    let (a, b) = (Elements(noise: count, format), Elements(noise: count, seed: 2, format))
    let (c, out) = (Elements(noise: count, seed: 3, format), Elements(zeros: count, format))
    return KernelCall(
      bytes: 4 * a.bytes,
      run: {
        Elementwise.add(
          a.start, b.start, c.start, into: out.start, count: count, as: format, counters: &$0)
      }, results: { [out.values] })
  }

  static func sumOfSquares(count: Int) -> KernelCall {
    let x = Buffer.noise(count)
    let sum = Buffer<Double>(1) { _ in 0 }
    return KernelCall(
      bytes: 4 * count,
      run: { sum.start[0] = Elementwise.sumOfSquares(x.start, count: count, counters: &$0) },
      results: { [[Float(sum.start[0])]] })
  }

  static func dropout(
    rows: Int, width: Int, sequence: Int, as format: ElementFormat = .float32
  ) -> KernelCall {
    let (x, y) = (Elements(noise: rows * width, format), Elements(zeros: rows * width, format))
    let dropout = Dropout(probability: 0.1, seed: 1, step: 1, site: 0, layer: 0, sequence: 0)
    return KernelCall(
      bytes: x.bytes + y.bytes,
      run: {
        dropout.apply(
          to: x.start, into: y.start, width: width, sequence: sequence, rows: 0..<rows, as: format,
          counters: &$0)
      }, results: { [y.values] })
  }

  static func treeReduction(sources: Int, count: Int) -> KernelCall {
    let buffers = (0..<sources).map { Buffer.noise(count, seed: $0) }
    let addresses = Buffer<UnsafePointer<Float>?>(sources) { UnsafePointer(buffers[$0].start) }
    let out = Buffer.zeros(count)
    return KernelCall(
      bytes: 4 * (sources + 1) * count,
      run: { counters in
        withExtendedLifetime(buffers) {
          TreeReduction.sum(
            addresses.start, sourceCount: sources, into: out.start, range: 0..<count,
            counters: &counters)
        }
      }, results: { [out.values] })
  }

  /// Weights in float32, or in two halves of which the upper one is the bfloat16 that is used.
  static func adamW(
    count: Int, rate: Double = 1e-9, as format: ElementFormat = .float32
  ) -> KernelCall {
    let (w, g) = (Elements(noise: count, format), Buffer.noise(count, seed: 2))
    let (m, v) = (Buffer.zeros(count), Buffer.zeros(count))
    let low = Buffer<Int16>(format == .bfloat16 ? count : 0) { _ in 0 }
    let adamW = AdamW(
      learningRate: rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0.01, step: 1)
    return KernelCall(
      // Weight and moments are read and written, the gradient only read; halves are 4 bytes too.
      bytes: 28 * count,
      run: format == .float32
        ? {
          adamW.update(
            weights: w.floatStart, firstMoment: m.start, secondMoment: v.start, gradient: g.start,
            count: count, counters: &$0)
        }
        : {
          adamW.update(
            weights: w.start.assumingMemoryBound(to: UInt16.self), low: low.start,
            firstMoment: m.start, secondMoment: v.start, gradient: g.start, count: count,
            counters: &$0)
        }, results: { [w.values, low.values.map(Float.init), m.values, v.values] })
  }
}
