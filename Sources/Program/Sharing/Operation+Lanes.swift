extension Operation {
  /// Which rows an operation's lanes share out, or nil where one lane does all of it.
  package func cutRows(_ inputs: [Tensor], _ outputs: [Tensor]) -> Int? {
    switch kind {
    case .gradientScale, .crossEntropyLoss: nil
    case .sumOfSquares: RowCut.squareChunks
    case .attention(let shape), .attentionBackward(let shape):
      inputs[0].rows / shape.sequence * shape.heads
    case .cachedAttention(let shape): inputs[0].rows * shape.heads
    case .cacheAppend: inputs[0].rows
    case .putChunk: inputs[0].cutRows
    default: outputs[0].cutRows
    }
  }

  /// For each input, whether a lane reads only the chunk of rows that it also writes.
  package var readsOwnRows: [Bool] {
    switch kind {
    case .hostLoad, .hostStore, .load, .store, .copy, .receive, .add, .gelu, .geluBackward, .rotary,
      .logitsMax, .logitsSums, .addScaledColumns, .scaledColumns, .cacheAppend, .putChunk:
      inputs.map { _ in true }
    case .matmul(let transposeA, _, _): [!transposeA, false]
    case .addBias, .embed, .dropout: [true, false]
    case .layerNorm: [true, false, false]
    case .layerNormBackward: [true, true, true, false]
    // The labels are counted whole: the loss is their mean.
    case .crossEntropyBackward: [true, true, true] + inputs.dropFirst(3).map { _ in false }
    case .adamW: [true, true, true, true, false, false] + inputs.dropFirst(6).map { _ in true }
    case .zero, .collective, .send, .slice, .takeChunk, .biasGradient, .layerNormGradient,
      .attention,
      .attentionBackward, .embedBackward, .crossEntropyLoss, .sumOfSquares, .gradientScale,
      .selectRows, .argmax, .cachedAttention, .elementwise:
      inputs.map { _ in false }
    }
  }

  /// Whether the lanes write disjoint rows of the outputs, rather than blocks of columns or all.
  package func writesOwnRows(_ inputs: [Tensor], _ outputs: [Tensor]) -> Bool {
    switch kind {
    case .attention, .attentionBackward, .cachedAttention, .cacheAppend, .putChunk: false
    default: cutRows(inputs, outputs) != nil
    }
  }
}

extension Tensor {
  /// What an operation on this tensor is cut along: rows, or the elements of a vector.
  package var cutRows: Int { shape.count == 1 ? count : rows }
  /// Elements of one of those.
  package var cutColumns: Int { shape.count == 1 ? 1 : columns }
}
