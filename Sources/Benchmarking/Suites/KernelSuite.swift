import Kernels
import Regression

extension Benchmark {
  /// Each kernel of the emulator on one thread, at shapes of a small GPT-J and at odd ones.
  ///
  /// An iteration calls the kernel so often that it takes about a millisecond or a few.
  static let kernels: [Benchmark] =
    matrixKernels + attentionKernels + vectorKernels + kernelsInCache

  /// `make` builds the operands.
  private static func kernel(
    _ name: String, _ shape: String, _ calibrator: Calibrator = .compute, calls: Int,
    make: @escaping @Sendable () -> KernelCall
  ) -> Benchmark {
    Benchmark("kernels/\(name)", "\(shape), float32, 1 thread, \(calls) calls", calibrator) {
      let run = make().run
      var counters = WorkCounters()
      return Workload {
        counters = WorkCounters()
        for _ in 0..<calls { run(&counters) }
      } counts: {
        Counts.of(counters)
      }
    }
  }
}

// MARK: - Matrices

extension Benchmark {
  private static let matrixKernels: [Benchmark] = [
    gemm("gemm", m: 512, n: 512, k: 512, calls: 4),
    gemm("gemm_odd", m: 129, n: 257, k: 513, calls: 24),
    gemm("gemm_transposed_b", m: 256, n: 1024, k: 256, calls: 8, transposesB: true),
    gemm("gemm_weight_gradient", m: 256, n: 1024, k: 256, calls: 8, transposesA: true),
    gemm("few_rows", m: 8, n: 4096, k: 512, calls: 16, transposesB: true),
    gemm("few_rows_odd", m: 3, n: 413, k: 65, calls: 512, transposesB: true),
  ]

  static func gemm(
    _ name: String, m: Int, n: Int, k: Int, calls: Int, transposesA: Bool = false,
    transposesB: Bool = false
  ) -> Benchmark {
    let shape = "\(m)x\(k)\(transposesA ? "^T" : "") · \(k)x\(n)\(transposesB ? "^T" : "")"
    return kernel(name, shape, calls: calls) {
      .product(m: m, n: n, k: k, transposesA: transposesA, transposesB: transposesB)
    }
  }
}

// MARK: - Attention

extension Benchmark {
  private static let attentionKernels: [Benchmark] = [
    attention("attention_forward", .forward, sequence: 256, heads: 4, headDim: 64, calls: 4),
    attention("attention_forward_odd", .forward, sequence: 229, heads: 3, headDim: 40, calls: 8),
    attention("attention_backward", .backward, sequence: 256, heads: 4, headDim: 64, calls: 2),
    attention("attention_backward_odd", .backward, sequence: 229, heads: 3, headDim: 40, calls: 4),
    kernel(
      "cached_attention", "8 sequences of 512 tokens, 16 heads of 64", .memory, calls: 2
    ) { .cachedAttention(sequences: 8, capacity: 512, heads: 16, headDim: 64) },
  ]

  static func attention(
    _ name: String, _ pass: Attention.Pass, sequence: Int, heads: Int, headDim: Int, calls: Int
  ) -> Benchmark {
    kernel(name, "\(sequence) tokens, \(heads) heads of \(headDim)", calls: calls) {
      .attention(pass, sequence: sequence, heads: heads, headDim: headDim)
    }
  }
}

// MARK: - Vectors

extension Benchmark {
  private static let vectorKernels: [Benchmark] = [
    gelu("gelu", count: 1024 * 1024),
    gelu("gelu_odd", count: 413 * 1025),
    kernel("gelu_backward", "1048576 elements", calls: 4) { .gelu(.backward, count: 1 << 20) },
    layerNorm("layer_norm", rows: 1024, width: 1024),
    layerNorm("layer_norm_odd", rows: 517, width: 771),
    kernel("rotary", "2048 tokens, 16 heads of 64, 64 rotated", calls: 8) {
      .rotary(.forward, rows: 2048, sequence: 1024, heads: 16, headDim: 64, rotaryDim: 64)
    },
    crossEntropy("cross_entropy", rows: 256, columns: 4096, valid: 4096),
    crossEntropy("cross_entropy_odd", rows: 129, columns: 3160, valid: 3151),
    adamW("adamw", count: 1 << 20, .memory, calls: 2),
    embedding("embedding", .forward),
    embedding("embedding_gradient", .backward),
    kernel("dropout", "1024x1024, 10 %", calls: 2) {
      .dropout(rows: 1024, width: 1024, sequence: 256)
    },
    treeReduction("tree_reduction", sources: 16, count: 1 << 16, calls: 8),
    treeReduction("tree_reduction_odd", sources: 7, count: 99_991, calls: 8),
    kernel("bias_gradient", "1024x1024", .memory, calls: 8) {
      .bias(.parameters, rows: 1024, width: 1024)
    },
    kernel("sum_of_squares", "1048576 elements", .memory, calls: 8) {
      .sumOfSquares(count: 1 << 20)
    },
  ]

  static func gelu(_ name: String, count: Int, calls: Int = 4) -> Benchmark {
    kernel(name, "\(count) elements", calls: calls) { .gelu(.forward, count: count) }
  }

  static func adamW(
    _ name: String, count: Int, _ calibrator: Calibrator = .compute, calls: Int
  ) -> Benchmark {
    kernel(name, "\(count) weights", calibrator, calls: calls) { .adamW(count: count) }
  }

  static func layerNorm(_ name: String, rows: Int, width: Int, calls: Int = 4) -> Benchmark {
    kernel(name, "\(rows)x\(width), forward and backward", calls: calls) {
      .layerNorm(.forward, .parameters, .backward, rows: rows, width: width)
    }
  }

  /// All that a shard does between logits and their gradient.
  static func crossEntropy(
    _ name: String, rows: Int, columns: Int, valid: Int, calls: Int = 4
  ) -> Benchmark {
    kernel(name, "\(rows)x\(columns), \(valid) in the vocabulary", calls: calls) {
      .crossEntropy(.forward, .backward, rows: rows, columns: columns, valid: valid)
    }
  }

  private static func embedding(_ name: String, _ pass: KernelPass) -> Benchmark {
    kernel(name, "2048 tokens, table 4096x512", .memory, calls: 4) {
      .embedding(pass, tokens: 2048, width: 512, rows: 4096)
    }
  }

  static func treeReduction(
    _ name: String, sources: Int, count: Int, _ calibrator: Calibrator = .memory, calls: Int
  ) -> Benchmark {
    kernel(name, "\(sources) sources of \(count) elements", calibrator, calls: calls) {
      .treeReduction(sources: sources, count: count)
    }
  }
}
