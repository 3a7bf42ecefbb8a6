import Program

/// How the lanes of an operation touch one of its operands.
enum Access: Equatable {
  /// Each lane only the chunk that this cut gives it.
  case ownChunk(RowCut)
  /// Any lane any part.
  case anywhere
}

/// Finds where lanes must wait for each other: what one wrote and another reads, and the reverse.
struct HazardTracker {
  private struct Record {
    var access: Access
    var isWritten: Bool
  }

  private var records: [Int: [Record]] = [:]

  /// Whether this access must be ordered after one since the last barrier.
  func conflicts(buffer: Int, _ access: Access, writes: Bool) -> Bool {
    (records[buffer] ?? []).contains { earlier in
      guard earlier.isWritten || writes else { return false }
      guard case .ownChunk = access else { return true }
      return earlier.access != access
    }
  }

  mutating func record(buffer: Int, _ access: Access, writes: Bool) {
    var known = records[buffer] ?? []
    if let index = known.firstIndex(where: { $0.access == access }) {
      known[index].isWritten = known[index].isWritten || writes
    } else {
      known.append(Record(access: access, isWritten: writes))
    }
    records[buffer] = known
  }

  /// After a barrier everything is ordered.
  mutating func clear() { records.removeAll(keepingCapacity: true) }
}

extension Operation {
  /// Which rows an operation's lanes share out, or nil where one lane does all of it.
  func cutRows(_ inputs: [Tensor], _ outputs: [Tensor]) -> Int? {
    switch kind {
    case .sumOfSquares, .gradientScale, .crossEntropyLoss: nil
    case .attention(let shape), .attentionBackward(let shape):
      inputs[0].rows / shape.sequence * shape.heads
    case .cachedAttention(let shape): inputs[0].rows * shape.heads
    case .cacheAppend: inputs[0].rows
    case .putChunk: inputs[0].cutRows
    default: outputs[0].cutRows
    }
  }

  /// For each input, whether a lane reads only the chunk of rows that it also writes.
  var readsOwnRows: [Bool] {
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
  func writesOwnRows(_ inputs: [Tensor], _ outputs: [Tensor]) -> Bool {
    switch kind {
    case .attention, .attentionBackward, .cachedAttention, .cacheAppend, .putChunk: false
    default: cutRows(inputs, outputs) != nil
    }
  }
}
