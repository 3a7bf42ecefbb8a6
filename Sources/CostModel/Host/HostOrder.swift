import Program

/// Where workers must wait for each other: what one lane wrote and another reads, and the reverse.
struct HostOrder {
  /// Which part of an operand each lane touches.
  enum Access: Equatable {
    /// Its own chunk of so many rows.
    case own(RowCut)
    case any
  }

  private struct Key: Hashable {
    let tensor: TensorID
    let instance: Int
  }

  private var touched: [Key: [(access: Access, writes: Bool)]] = [:]

  /// Notes an operation's accesses; says whether all must wait before it.
  mutating func waits(
    _ accesses: [(tensor: TensorID, instance: Int, access: Access, writes: Bool)]
  ) -> Bool {
    let mustWait = accesses.contains { new in
      (touched[Key(tensor: new.tensor, instance: new.instance)] ?? []).contains { earlier in
        guard earlier.writes || new.writes else { return false }
        return new.access == .any || earlier.access != new.access
      }
    }
    if mustWait { touched.removeAll(keepingCapacity: true) }
    for new in accesses {
      let key = Key(tensor: new.tensor, instance: new.instance)
      var known = touched[key] ?? []
      if let index = known.firstIndex(where: { $0.access == new.access }) {
        known[index].writes = known[index].writes || new.writes
      } else {
        known.append((new.access, new.writes))
      }
      touched[key] = known
    }
    return mustWait
  }
}

extension HostSharing {
  /// How an operation is shared out over the lanes that make one content of its result; nil where
  /// one lane does all of it.
  func cut(_ operation: Operation) -> RowCut? {
    let output = program[operation.outputs[0]]
    let lanes = owners(of: output).first?.count ?? 1
    switch operation.kind {
    case .sumOfSquares, .gradientScale, .crossEntropyLoss: return nil
    case .attention(let shape), .attentionBackward(let shape):
      return RowCut(
        rows: program[operation.inputs[0]].rows / shape.sequence * shape.heads, parts: lanes)
    case .cachedAttention(let shape):
      return RowCut(rows: program[operation.inputs[0]].rows * shape.heads, parts: lanes)
    case .cacheAppend: return RowCut(rows: program[operation.inputs[0]].rows, parts: lanes)
    case .putChunk: return RowCut(rows: program[operation.inputs[0]].hostRows, parts: lanes)
    default: return RowCut(rows: output.hostRows, parts: lanes)
    }
  }

  /// The blocks in which the lanes share out a product; nil for anything else.
  func grid(_ operation: Operation) -> ProductGrid? {
    guard case .matmul = operation.kind else { return nil }
    let output = program[operation.outputs[0]]
    return ProductGrid(
      rows: output.rows, columns: output.columns, lanes: owners(of: output).first?.count ?? 1)
  }

  /// For each input, then each output, what a lane touches of it.
  func accesses(_ operation: Operation) -> [HostOrder.Access] {
    if case .collective(let kind, let group) = operation.kind {
      return collectiveAccesses(operation, kind, group)
    }
    let output = program[operation.outputs[0]]
    let cut = (grid(operation)?.width ?? 1) > 1 ? nil : self.cut(operation)
    let inputs = zip(operation.inputs, operation.readsOwnRows).map { reference, isOwn in
      sliceAccess(operation, program[reference])
        ?? access(program[reference], like: output, isOwn ? cut : nil)
    }
    let writesOwn =
      switch operation.kind {
      case .attention, .attentionBackward, .cachedAttention, .cacheAppend, .putChunk: false
      default: true
      }
    return inputs
      + operation.outputs.map { access(program[$0], like: output, writesOwn ? cut : nil) }
  }

  private func access(
    _ tensor: Tensor, like output: Tensor, _ cut: RowCut?
  ) -> HostOrder.Access {
    guard tensor.differsOver == output.differsOver else { return .any }
    if owners(of: output).first?.count == 1 { return .own(RowCut(rows: 1, parts: 1)) }
    guard let cut, tensor.hostRows == cut.rows else { return .any }
    return .own(cut)
  }

  private func sliceAccess(_ operation: Operation, _ input: Tensor) -> HostOrder.Access? {
    guard case .slice(let group) = operation.kind else { return nil }
    let members = program.mesh.size(of: group)
    guard owners(of: program[operation.outputs[0]]).first?.count == 1,
      owners(of: input).first?.count == members, input.hostRows % members == 0
    else { return nil }
    return .own(RowCut(rows: input.hostRows, parts: members))
  }

  private func collectiveAccesses(
    _ operation: Operation, _ kind: Operation.Collective, _ group: ProcessGroup
  ) -> [HostOrder.Access] {
    let (input, output) = (program[operation.inputs[0]], program[operation.outputs[0]])
    let single = HostOrder.Access.own(RowCut(rows: 1, parts: 1))
    let members = program.mesh.size(of: group)
    let holders = owners(of: output).first?.count ?? 1
    switch kind {
    case .allReduceSum, .allReduceMax, .broadcast:
      return [.any, .own(RowCut(rows: output.hostRows, parts: holders))]
    case .reduceScatter: return [.any, holders == 1 ? single : .any]
    case .send: return [.any, .any]
    case .allGather:
      let isOwn = holders == members && blocksPerRank == 1 && output.hostRows % members == 0
      return [
        owners(of: input).first?.count == 1 ? single : .any,
        isOwn ? .own(RowCut(rows: output.hostRows, parts: members)) : .any,
      ]
    }
  }
}

extension Operation {
  /// For each input, whether a lane reads only the rows that it also writes.
  fileprivate var readsOwnRows: [Bool] {
    switch kind {
    case .hostLoad, .hostStore, .load, .store, .copy, .add, .gelu, .geluBackward, .rotary,
      .logitsMax, .logitsSums, .addScaledColumns, .scaledColumns, .cacheAppend, .putChunk:
      inputs.map { _ in true }
    case .matmul(let transposeA, _, _): [!transposeA, false]
    case .addBias, .embed, .dropout: [true, false]
    case .layerNorm: [true, false, false]
    case .layerNormBackward: [true, true, true, false]
    case .crossEntropyBackward: [true, true, true] + inputs.dropFirst(3).map { _ in false }
    case .adamW: [true, true, true, true, false, false] + inputs.dropFirst(6).map { _ in true }
    default: inputs.map { _ in false }
    }
  }
}
