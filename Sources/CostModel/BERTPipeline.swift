import Program

/// BERT-Large as MLPerf v2.0's Graphcore submission pre-trains it: eight IPUs to a replica, sequences
/// of 512 packed tokens, three of its 24 layers on each IPU; a calibration row, described no further
/// than its time needs.
package struct BERTPipeline: Sendable {
  package var microBatch = 3
  package var accumulation: Int
  package var dataParallel: Int
  /// Whether the backward pass computes the stage again: not published.
  package var recomputes = true

  package init(accumulation: Int, dataParallel: Int, recomputes: Bool = true) {
    self.accumulation = accumulation
    self.dataParallel = dataParallel
    self.recomputes = recomputes
  }

  /// The two published rows.
  package static let pod64 = BERTPipeline(
    accumulation: Published.bertPod64Accumulation,
    dataParallel: Published.bertPod64DataParallel)
  package static let pod256 = BERTPipeline(
    accumulation: Published.bertPod256Accumulation,
    dataParallel: Published.bertPod256DataParallel)

  fileprivate static let (layers, width, heads, sequence) = (3, 1024, 16, 512)
  fileprivate static let dropout = 0.1
  private static let vocabulary = 30_522
  private var tokens: Int { microBatch * Self.sequence }

  package var pipeline: Pipeline {
    Pipeline(
      stage: stage(), closing: closing(), stages: Published.bertStages, microBatches: accumulation,
      boundaryBytes: 2 * tokens * Self.width)
  }

  /// The fullest stage's gradients summed over the replicas and its optimizer, whose moments are in
  /// streaming memory: that of the embedding, with its layers.
  private func closing() -> Program {
    let builder = ProgramBuilder(
      name: "bert_closing",
      mesh: Mesh(tensorParallel: Published.bertStages, dataParallel: dataParallel))
    let weights = Self.layers * 12 * Self.width * Self.width + Self.vocabulary * Self.width
    func tile(_ name: String, _ type: ElementType, _ count: Int = weights) -> TensorReference {
      builder.temporary(name, [count], type, differsOver: .all)
    }
    func moment(_ name: String) -> TensorReference {
      TensorReference(
        builder.declare(name, [weights], .float32, in: .streaming, differsOver: .all))
    }
    builder.phase("closing") {
      let (weight, gradient) = (tile("weight", .float16), tile("gradient", .float16))
      builder.emit(.collective(.allReduceSum, over: .data), [gradient], into: [gradient])
      let stored = [moment("first_moment"), moment("second_moment")]
      let moments = [tile("first", .float32), tile("second", .float32)]
      for (one, other) in zip(stored, moments) { builder.emit(.load, [one], into: [other]) }
      let adamW = Operation.AdamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0)
      builder.emit(
        .adamW(adamW),
        [weight, gradient] + moments + [tile("scale", .float32, 1), tile("schedule", .float32, 2)],
        into: [weight] + moments)
      for (one, other) in zip(moments, stored) { builder.emit(.store, [one], into: [other]) }
    }
    return builder.build()
  }

  private func stage() -> Program {
    let builder = ProgramBuilder(
      name: "bert_stage", mesh: Mesh(tensorParallel: 1, dataParallel: 1))
    builder.phase("stage") {
      builder.loop("layer", count: Self.layers) { _ in
        let writer = Layer(builder: builder, tokens: tokens)
        for _ in 0..<(recomputes ? 2 : 1) { writer.forward() }
        writer.backward()
      }
    }
    return builder.build()
  }

  /// Writes one layer's operations over shared operands: only their shapes matter here.
  private struct Layer {
    let builder: ProgramBuilder
    let tokens: Int

    private func matrix(_ name: String, _ columns: Int, rows: Int? = nil) -> TensorReference {
      builder.temporary(name, [rows ?? tokens, columns], .float16, differsOver: [])
    }

    private var width: Int { BERTPipeline.width }
    private var attention: Operation.Attention {
      Operation.Attention(
        heads: heads, headSize: width / heads, sequence: BERTPipeline.sequence, serialisation: 1,
        dropout: dropout(.attentionProbabilities))
    }
    private var heads: Int { BERTPipeline.heads }
    /// Into and out of each of the four products.
    private var linears: [(inputs: Int, outputs: Int)] {
      [(width, 3 * width), (width, width), (width, 4 * width), (4 * width, width)]
    }

    private func dropout(_ site: Operation.Dropout.Site) -> Operation.Dropout {
      Operation.Dropout(
        probability: BERTPipeline.dropout, seed: 0, site: site, layer: 0, microBatch: 0,
        microBatches: 1, sequence: BERTPipeline.sequence)
    }

    private var schedule: TensorReference {
      builder.temporary("schedule", [2], .float32, differsOver: [])
    }
    private var stats: TensorReference {
      builder.temporary("stats", [tokens, 2], .float32, differsOver: [])
    }
    private var logSumExp: TensorReference {
      builder.temporary("log_sum_exp", [tokens, heads], .float32, differsOver: [])
    }
    private var vector: TensorReference {
      builder.temporary("vector", [width], .float16, differsOver: [])
    }

    func forward() {
      for (inputs, outputs) in linears {
        let y = matrix("y", outputs)
        builder.emit(
          .matmul(transposeA: false, transposeB: true, accumulate: false),
          [matrix("x", inputs), matrix("weight", inputs, rows: outputs)], into: [y])
        let bias = builder.temporary("bias", [outputs], .float16, differsOver: [])
        builder.emit(.addBias, [y, bias], into: [y])
      }
      builder.emit(
        .attention(attention), [matrix("qkv", 3 * width), schedule],
        into: [matrix("context", width), logSumExp])
      builder.emit(.gelu, [matrix("z", 4 * width)], into: [matrix("g", 4 * width)])
      let x = matrix("x", width)
      for site in [Operation.Dropout.Site.attentionOutput, .feedForwardOutput] {
        builder.emit(.dropout(dropout(site)), [x, schedule], into: [x])
        builder.emit(.add, [x, matrix("residual", width)], into: [matrix("sum", width)])
        builder.emit(.layerNorm(epsilon: 1e-6), [x, vector, vector], into: [x, stats])
      }
    }

    func backward() {
      for (inputs, outputs) in linears {
        let (dY, weight) = (matrix("d_y", outputs), matrix("weight", inputs, rows: outputs))
        builder.emit(
          .matmul(transposeA: false, transposeB: false, accumulate: false), [dY, weight],
          into: [matrix("d_x", inputs)])
        builder.emit(
          .matmul(transposeA: true, transposeB: false, accumulate: true),
          [dY, matrix("x", inputs)], into: [matrix("d_weight", inputs, rows: outputs)])
        builder.emit(
          .biasGradient, [dY],
          into: [builder.temporary("d_bias", [outputs], .float16, differsOver: [])])
      }
      let dX = matrix("d_x", width)
      builder.emit(
        .attentionBackward(attention),
        [matrix("qkv", 3 * width), matrix("context", width), logSumExp, dX, schedule],
        into: [matrix("d_qkv", 3 * width)])
      builder.emit(
        .geluBackward, [matrix("d_g", 4 * width), matrix("z", 4 * width)],
        into: [matrix("d_z", 4 * width)])
      for site in [Operation.Dropout.Site.attentionOutput, .feedForwardOutput] {
        builder.emit(.dropout(dropout(site)), [dX, schedule], into: [dX])
        builder.emit(
          .layerNormBackward, [dX, matrix("x", width), stats, vector], into: [matrix("d", width)])
        builder.emit(.layerNormGradient, [dX, matrix("x", width), stats], into: [vector, vector])
        builder.emit(.add, [dX, matrix("residual", width)], into: [dX])
      }
    }
  }
}
