import Kernels
import Regression

extension Benchmark {
  static let vectorKernels: [Benchmark] = [
    gelu("gelu", count: 1024 * 1024),
    gelu("gelu_odd", count: 413 * 1025),
    kernel("gelu_backward", "1048576 elements", calls: 4) {
      let (dg, z, dz) = (Buffer.noise(1 << 20), Buffer.noise(1 << 20), Buffer.zeros(1 << 20))
      return { Gelu.backward(dg.start, z: z.start, into: dz.start, count: 1 << 20, counters: &$0) }
    },
    layerNorm("layer_norm", rows: 1024, width: 1024),
    layerNorm("layer_norm_odd", rows: 517, width: 771),
    kernel("rotary", "2048 tokens, 16 heads of 64, 64 rotated", calls: 8) {
      let (x, table) = (Buffer.noise(2048 * 1024), Buffer.zeros(2 * 1024 * 64))
      Rotary.fillTable(table.start, sequence: 1024, rotaryDim: 64)
      return {
        Rotary.apply(
          x.start, stride: 1024, column: 0, heads: 16, headDim: 64, rotaryDim: 64,
          table: table.start, sequence: 1024, rows: 0..<2048, counters: &$0)
      }
    },
    crossEntropy("cross_entropy", rows: 256, columns: 4096, valid: 4096),
    crossEntropy("cross_entropy_odd", rows: 129, columns: 3160, valid: 3151),
    adamW("adamw", count: 1 << 20, .memory, calls: 2),
    embedding("embedding", gradient: false),
    embedding("embedding_gradient", gradient: true),
    kernel("dropout", "1024x1024, 10 %", calls: 2) {
      let (x, y) = (Buffer.noise(1 << 20), Buffer.zeros(1 << 20))
      let dropout = Dropout(probability: 0.1, seed: 1, step: 1, site: 0, layer: 0, sequence: 0)
      return {
        dropout.apply(
          to: x.start, into: y.start, width: 1024, sequence: 256, rows: 0..<1024, counters: &$0)
      }
    },
    treeReduction("tree_reduction", sources: 16, count: 1 << 16, calls: 8),
    treeReduction("tree_reduction_odd", sources: 7, count: 99_991, calls: 8),
    kernel("bias_gradient", "1024x1024", .memory, calls: 8) {
      let (dy, bias) = (Buffer.noise(1 << 20), Buffer.zeros(1024))
      return {
        Elementwise.biasGradient(
          dy.start, stride: 1024, into: bias.start, rows: 1024, columns: 0..<1024, counters: &$0)
      }
    },
    kernel("sum_of_squares", "1048576 elements", .memory, calls: 8) {
      let x = Buffer.noise(1 << 20)
      return { _ = Elementwise.sumOfSquares(x.start, count: 1 << 20, counters: &$0) }
    },
  ]

  static func gelu(_ name: String, count: Int, calls: Int = 4) -> Benchmark {
    kernel(name, "\(count) elements", calls: calls) {
      let (z, g) = (Buffer.noise(count), Buffer.zeros(count))
      return { Gelu.forward(z.start, into: g.start, count: count, counters: &$0) }
    }
  }

  static func adamW(
    _ name: String, count: Int, _ calibrator: Calibrator = .compute, calls: Int
  ) -> Benchmark {
    kernel(name, "\(count) weights", calibrator, calls: calls) {
      let (w, g) = (Buffer.noise(count), Buffer.noise(count, seed: 2))
      let (m, v) = (Buffer.zeros(count), Buffer.zeros(count))
      let adamW = AdamW(
        learningRate: 1e-9, beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0.01, step: 1)
      return {
        adamW.update(
          weights: w.start, firstMoment: m.start, secondMoment: v.start, gradient: g.start,
          count: count, counters: &$0)
      }
    }
  }

  /// Forward, backward and the parameters' gradient.
  static func layerNorm(_ name: String, rows: Int, width: Int, calls: Int = 4) -> Benchmark {
    kernel(name, "\(rows)x\(width), forward and backward", calls: calls) {
      let (x, dy) = (Buffer.noise(rows * width), Buffer.noise(rows * width, seed: 2))
      let (y, stats) = (Buffer.zeros(rows * width), Buffer.zeros(rows * 2))
      let (gamma, beta) = (Buffer.noise(width), Buffer.noise(width, seed: 3))
      let (dGamma, dBeta) = (Buffer.zeros(width), Buffer.zeros(width))
      return { counters in
        LayerNorm.forward(
          x.start, gamma: gamma.start, beta: beta.start, into: y.start, stats: stats.start,
          rows: 0..<rows, width: width, epsilon: 1e-5, counters: &counters)
        LayerNorm.parameterGradient(
          dy.start, x: x.start, stats: stats.start, dGamma: dGamma.start, dBeta: dBeta.start,
          rows: rows, width: width, columns: 0..<width, counters: &counters)
        LayerNorm.backward(
          dy.start, x: x.start, stats: stats.start, gamma: gamma.start, into: y.start,
          rows: 0..<rows, width: width, counters: &counters)
      }
    }
  }

  /// All that a shard does between logits and their gradient.
  static func crossEntropy(
    _ name: String, rows: Int, columns: Int, valid: Int, calls: Int = 4
  ) -> Benchmark {
    kernel(name, "\(rows)x\(columns), \(valid) in the vocabulary", calls: calls) {
      let shard = LogitsShard(
        stride: columns, columns: columns, validColumns: valid, firstColumn: 0)
      let logits = Buffer.noise(rows * columns)
      let labels = Buffer.ids(rows, below: valid)
      let (max, sum, label) = (Buffer.zeros(rows), Buffer.zeros(rows), Buffer.zeros(rows))
      return { counters in
        CrossEntropy.rowMax(
          logits.start, shard: shard, into: max.start, rows: 0..<rows, counters: &counters)
        CrossEntropy.rowSums(
          logits.start, shard: shard, labels: labels.start, max: max.start, sum: sum.start,
          labelLogit: label.start, rows: 0..<rows, counters: &counters)
        CrossEntropy.backward(
          logits.start, shard: shard, labels: labels.start, max: max.start, sum: sum.start,
          scale: 1, rows: 0..<rows, counters: &counters)
      }
    }
  }

  private static func embedding(_ name: String, gradient: Bool) -> Benchmark {
    let (tokens, width, rows) = (2048, 512, 4096)
    return kernel(name, "\(tokens) tokens, table \(rows)x\(width)", .memory, calls: 4) {
      let (table, x) = (Buffer.noise(rows * width), Buffer.noise(tokens * width, seed: 2))
      let ids = Buffer.ids(tokens, below: rows)
      return { counters in
        if gradient {
          Embedding.gradient(
            ids.start, dx: x.start, into: table.start, tokens: tokens, width: width,
            shard: 0..<rows, rows: 0..<rows, counters: &counters)
        } else {
          Embedding.gather(
            ids.start, table: table.start, into: x.start, tokens: 0..<tokens, width: width,
            shard: 0..<rows, counters: &counters)
        }
      }
    }
  }

  static func treeReduction(
    _ name: String, sources: Int, count: Int, _ calibrator: Calibrator = .memory, calls: Int
  ) -> Benchmark {
    kernel(name, "\(sources) sources of \(count) elements", calibrator, calls: calls) {
      let buffers = (0..<sources).map { Buffer.noise(count, seed: $0) }
      let addresses = Buffer<UnsafePointer<Float>?>(sources) { UnsafePointer(buffers[$0].start) }
      let out = Buffer.zeros(count)
      return { counters in
        withExtendedLifetime(buffers) {
          TreeReduction.sum(
            addresses.start, sourceCount: sources, into: out.start, range: 0..<count,
            counters: &counters)
        }
      }
    }
  }
}
