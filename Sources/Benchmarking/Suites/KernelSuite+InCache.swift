import Kernels
import Regression

extension Benchmark {
  /// Kernels at sizes that stay in a core's second-level cache, in iterations of half a millisecond.
  ///
  /// What they take depends on their code and hardly on where pages lie or what else fills the
  /// memory's bandwidth: two binaries are told apart by these first.
  static let kernelsInCache: [Benchmark] = [
    gemm("gemm_in_cache", m: 128, n: 192, k: 256, calls: 6),
    gemm("few_rows_in_cache", m: 4, n: 512, k: 256, calls: 64, transposesB: true),
    attention(
      "attention_forward_in_cache", .forward, sequence: 128, heads: 2, headDim: 64, calls: 8),
    attention(
      "attention_backward_in_cache", .backward, sequence: 128, heads: 2, headDim: 64, calls: 4),
    gelu("gelu_in_cache", count: 1 << 15, calls: 32),
    layerNorm("layer_norm_in_cache", rows: 64, width: 512, calls: 24),
    crossEntropy("cross_entropy_in_cache", rows: 32, columns: 1024, valid: 1024, calls: 24),
    adamW("adamw_in_cache", count: 1 << 14, calls: 48),
    treeReduction("tree_reduction_in_cache", sources: 8, count: 1 << 13, .compute, calls: 64),
  ]
}
