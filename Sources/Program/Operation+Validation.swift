extension Operation.Kind {
  /// What is wrong with these operands for this kind, or nil.
  func mistake(in inputs: Operands, _ outputs: Operands, _ mesh: Mesh) -> String? {
    let (inputCounts, outputCount) = arity(of: inputs.count)
    guard inputCounts.contains(inputs.count), outputs.count == outputCount else {
      return "takes \(inputCounts) inputs and \(outputCount) outputs, "
        + "got \(inputs.count) and \(outputs.count)"
    }
    return spaceMistake(inputs, outputs) ?? shapeMistake(inputs, outputs, mesh)
  }

  private func arity(of inputs: Int) -> (inputs: ClosedRange<Int>, outputs: Int) {
    switch self {
    case .hostLoad, .hostStore, .load, .store, .copy, .takeChunk, .putChunk, .send, .receive,
      .collective, .slice, .biasGradient, .gelu, .scaledColumns, .logitsMax, .sumOfSquares, .argmax:
      (1...1, 1)
    case .zero: (0...0, 1)
    case .rotary: (1...2, 1)
    case .matmul, .addBias, .addScaledColumns, .geluBackward, .embed, .embedBackward, .dropout,
      .selectRows, .cacheAppend:
      (2...2, 1)
    case .add: (2...3, 1)
    case .cachedAttention: (3...3, 1)
    case .layerNorm: (3...3, 2)
    case .layerNormBackward: (4...4, 1)
    case .layerNormGradient, .logitsSums: (3...3, 2)
    case .attention(let shape): (shape.dropout == nil ? 1...1 : 2...2, 2)
    case .attentionBackward(let shape): (shape.dropout == nil ? 4...4 : 5...5, 1)
    case .crossEntropyLoss: (4...4, 1)
    case .crossEntropyBackward: (4...5, 1)
    case .gradientScale: (1...1, 2)
    case .adamW: (6...7, inputs - 3)
    case .elementwise: (1...4, 1)
    }
  }

  private func spaceMistake(_ inputs: Operands, _ outputs: Operands) -> String? {
    let (from, to): (MemorySpace, MemorySpace) =
      switch self {
      case .hostLoad: (.host, .sram)
      case .hostStore: (.sram, .host)
      case .load: (.streaming, .sram)
      case .store: (.sram, .streaming)
      default: (.sram, .sram)
      }
    return inputs.mistake(unlessIn: from) ?? outputs.mistake(unlessIn: to)
  }

  private func shapeMistake(_ inputs: Operands, _ outputs: Operands, _ mesh: Mesh) -> String? {
    switch self {
    case .load where inputs[0].elementType == .bfloat16 && outputs[0].elementType == .float32:
      return expect(outputs[0], count: inputs[0].count)
    case .store where inputs[0].elementType == .float32 && outputs[0].elementType == .bfloat16:
      return expect(outputs[0], count: inputs[0].count)
    case .hostLoad, .hostStore, .load, .store, .copy, .send, .receive:
      return same(inputs[0], outputs[0])
    case .gelu, .add, .rotary, .geluBackward, .addBias, .crossEntropyBackward, .layerNormBackward,
      .dropout:
      return same(inputs[0], outputs[0])
    case .takeChunk(let chunk): return part(outputs[0], chunk, of: inputs[0])
    case .putChunk(let chunk): return part(inputs[0], chunk, of: outputs[0])
    case .addScaledColumns(_, let first):
      return same(inputs[0], outputs[0]) ?? window(inputs[1], from: first, of: inputs[0])
    case .scaledColumns(_, let first):
      return window(outputs[0], from: first, of: inputs[0])
    case .collective(let kind, let group):
      return collectiveMistake(kind, inputs[0], outputs[0], mesh.size(of: group))
    case .slice(let group):
      return expect(outputs[0], count: inputs[0].count.shard(of: mesh.size(of: group)))
    case .matmul(let transposeA, let transposeB, _):
      return matmulMistake(inputs, outputs[0], transposeA, transposeB)
    case .attention(let shape), .attentionBackward(let shape):
      guard inputs[0].columns == 3 * shape.heads * shape.headSize,
        inputs[0].rows % shape.sequence == 0
      else { return "qkv is \(inputs[0].shape)" }
      return nil
    case .cacheAppend(let shape): return cacheMistake(shape, inputs[0], outputs[0], inputs[1])
    case .cachedAttention(let shape): return cacheMistake(shape, inputs[0], inputs[1], inputs[2])
    default: return nil
    }
  }

  /// Keys are kept in blocks of 16, whatever the host's vectors are.
  private func cacheMistake(
    _ shape: Operation.Attention, _ qkv: Tensor, _ cache: Tensor, _ places: Tensor
  ) -> String? {
    guard qkv.columns == 3 * shape.heads * shape.headSize, shape.sequence % 16 == 0,
      cache.shape.dropFirst() == [shape.heads, 2 * shape.sequence * shape.headSize],
      places.shape == [qkv.rows], places.elementType == .int32
    else { return "qkv \(qkv.shape), cache \(cache.shape), places \(places.shape)" }
    return nil
  }

  private func collectiveMistake(
    _ kind: Operation.Collective, _ input: Tensor, _ output: Tensor, _ size: Int
  ) -> String? {
    switch kind {
    case .send: "send is no collective, but an operation of its own"
    case .allReduceSum, .allReduceMax, .broadcast: expect(output, count: input.count)
    case .reduceScatter: expect(output, count: input.count.shard(of: size))
    case .allGather: expect(input, count: output.count.shard(of: size))
    }
  }

  private func matmulMistake(
    _ inputs: Operands, _ output: Tensor, _ transposeA: Bool, _ transposeB: Bool
  ) -> String? {
    let a = (inputs[0].rows, inputs[0].columns)
    let b = (inputs[1].rows, inputs[1].columns)
    let (m, inner) = transposeA ? (a.1, a.0) : a
    let (innerB, n) = transposeB ? (b.1, b.0) : b
    guard inner == innerB, output.rows == m, output.columns == n else {
      return "\(inputs[0].shape) x \(inputs[1].shape) -> \(output.shape)"
    }
    return nil
  }

  private func part(
    _ part: Tensor, _ chunk: Operation.RowChunk, of whole: Tensor
  ) -> String? {
    part.shape[0] * chunk.count == whole.shape[0]
      && part.shape.dropFirst() == whole.shape.dropFirst()
      && part.elementType == whole.elementType
      ? nil : "\(part.name) \(part.shape) is no 1/\(chunk.count) of \(whole.name) \(whole.shape)"
  }

  private func window(_ part: Tensor, from first: Int, of whole: Tensor) -> String? {
    part.rows == whole.rows && first >= 0 && first + part.columns <= whole.columns
      ? nil : "\(part.name) \(part.shape) from column \(first) of \(whole.name) \(whole.shape)"
  }

  private func same(_ one: Tensor, _ other: Tensor) -> String? {
    one.count == other.count && one.elementType == other.elementType
      ? nil : "\(one.name) \(one.shape) and \(other.name) \(other.shape) differ"
  }

  private func expect(_ tensor: Tensor, count: Int) -> String? {
    tensor.count == count ? nil : "\(tensor.name) has \(tensor.count) elements, expected \(count)"
  }
}

/// An operation's inputs or outputs, read where they are declared: copies would take as long as all
/// else that a Program is written for.
struct Operands {
  let tensors: [Tensor]
  let references: [TensorReference]

  var count: Int { references.count }

  subscript(number: Int) -> Tensor {
    _read { yield tensors[references[number].tensor.index] }
  }

  fileprivate func mistake(unlessIn space: MemorySpace) -> String? {
    for number in 0..<count where self[number].space != space {
      return "\(self[number].name) is in \(self[number].space), expected \(space)"
    }
    return nil
  }
}

extension Int {
  /// Elements of each of `parts` equal flat shards; the last one may be padded.
  package func shard(of parts: Int) -> Int { (self + parts - 1) / parts }
}
