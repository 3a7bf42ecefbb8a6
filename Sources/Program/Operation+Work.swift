extension Program {
  /// What one execution of an operation costs one rank, from its operands' shapes alone.
  ///
  /// Attention counts the full square of scores, though half of it is masked, as the reference
  /// computes it; its backward pass counts the scores that it recomputes (5 products, not 4). With a
  /// cache each token counts a full sequence: how much of it there is, only a run knows.
  package func work(of operation: Operation) -> Work {
    let inputs = operation.inputs.map { self[$0] }
    let outputs = operation.outputs.map { self[$0] }
    var work = Work()
    switch operation.kind {
    case .load: work.loadBytes = inputs[0].bytes
    case .store: work.storeBytes = outputs[0].bytes
    case .hostLoad, .hostStore: work.hostBytes = inputs[0].bytes
    case .collective(let kind, let group):
      work.collectives.record(kind, group, bytes: payloadBytes(of: operation))
    case .send: work.collectives.record(.send, .pipeline, bytes: payloadBytes(of: operation))
    case .zero, .slice, .copy, .takeChunk, .putChunk, .receive, .cacheAppend: break
    default:
      work.flops = operation.kind.flops(inputs, outputs)
      work.elements = operation.kind.elements(inputs, outputs)
    }
    return work
  }

  /// Bytes of a collective's buffer as it is sent: of what a gather yields, of what every other
  /// collective, and a send, starts from.
  package func payloadBytes(of operation: Operation) -> Int {
    let buffer: Tensor
    switch operation.kind {
    case .collective(.allGather, _): buffer = self[operation.outputs[0]]
    case .collective, .send: buffer = self[operation.inputs[0]]
    default: return 0
    }
    return buffer.count * (operation.carrier ?? buffer.elementType).bytes
  }

  /// Each phase's work of one rank in one step, in the order of the phases.
  package var workByPhase: [(phase: String, work: Work)] {
    let names = phaseNames
    var totals = [String: Work](uniqueKeysWithValues: names.map { ($0, Work()) })
    forEachOperation { operation, phase, repetitions in
      totals[phase, default: Work()] += work(of: operation) * repetitions
    }
    return names.map { ($0, totals[$0] ?? Work()) }
  }

  /// The whole step's work of one rank.
  package var work: Work {
    var total = Work()
    forEachOperation { operation, _, repetitions in total += work(of: operation) * repetitions }
    return total
  }
}

extension Operation.Kind {
  fileprivate func flops(_ inputs: [Tensor], _ outputs: [Tensor]) -> Int {
    switch self {
    case .matmul(let transposeA, _, _):
      let inner = transposeA ? inputs[0].rows : inputs[0].columns
      return 2 * outputs[0].rows * outputs[0].columns * inner
    case .attention(let shape), .cachedAttention(let shape):
      return 2 * shape.scoreFlops(tokens: inputs[0].rows)
    case .attentionBackward(let shape): return 5 * shape.scoreFlops(tokens: inputs[0].rows)
    default: return 0
    }
  }

  fileprivate func elements(_ inputs: [Tensor], _ outputs: [Tensor]) -> Int {
    switch self {
    case .matmul, .crossEntropyLoss, .gradientScale, .selectRows: 0
    case .attention(let shape), .attentionBackward(let shape), .cachedAttention(let shape):
      inputs[0].rows * shape.sequence * shape.heads
    case .biasGradient, .layerNormGradient, .layerNormBackward, .logitsMax, .logitsSums,
      .sumOfSquares, .adamW:
      inputs[0].count
    case .argmax(let vocabulary): outputs[0].count * vocabulary
    case .embedBackward, .addScaledColumns: inputs[1].count
    case .rotary(let rotary, let shape, _): inputs[0].rows * shape.heads * 2 * rotary.size
    default: outputs[0].count
    }
  }
}

extension Operation.Attention {
  /// One product with the full square of scores: queries x keys x head size, for every head.
  package func scoreFlops(tokens: Int) -> Int { 2 * tokens * sequence * headSize * heads }
}
