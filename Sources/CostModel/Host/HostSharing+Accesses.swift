import Program

extension HostSharing {
  /// How an operation is shared out over the lanes that make one content of its result; nil where
  /// one lane does all of it.
  func cut(_ operation: Operation) -> RowCut? {
    let lanes = owners(of: program[operation.outputs[0]]).first?.count ?? 1
    return operation.cutRows(
      operation.inputs.map { program[$0] }, operation.outputs.map { program[$0] }
    ).map { RowCut(rows: $0, parts: lanes) }
  }

  /// The blocks in which the lanes share out a product; nil for anything else.
  func grid(_ operation: Operation) -> ProductGrid? {
    guard case .matmul = operation.kind else { return nil }
    let output = program[operation.outputs[0]]
    return ProductGrid(
      rows: output.rows, columns: output.columns, lanes: owners(of: output).first?.count ?? 1)
  }

  /// For each input, then each output, what a lane touches of it.
  func accesses(_ operation: Operation) -> [Access] {
    if case .collective(let kind, let group) = operation.kind {
      return collectiveAccesses(operation, kind, group)
    }
    let output = program[operation.outputs[0]]
    let cut = (grid(operation)?.width ?? 1) > 1 ? nil : self.cut(operation)
    let inputs = zip(operation.inputs, operation.readsOwnRows).map { reference, isOwn in
      sliceAccess(operation, program[reference])
        ?? access(program[reference], like: output, isOwn ? cut : nil)
    }
    let writesOwn = operation.writesOwnRows(
      operation.inputs.map { program[$0] }, operation.outputs.map { program[$0] })
    return inputs
      + operation.outputs.map { access(program[$0], like: output, writesOwn ? cut : nil) }
  }

  private func access(
    _ tensor: Tensor, like output: Tensor, _ cut: RowCut?
  ) -> Access {
    guard tensor.differsOver == output.differsOver else { return .anywhere }
    if owners(of: output).first?.count == 1 { return .ownChunk(RowCut(rows: 1, parts: 1)) }
    guard let cut, tensor.cutRows == cut.rows else { return .anywhere }
    return .ownChunk(cut)
  }

  private func sliceAccess(_ operation: Operation, _ input: Tensor) -> Access? {
    guard case .slice(let group) = operation.kind else { return nil }
    let members = program.mesh.size(of: group)
    guard owners(of: program[operation.outputs[0]]).first?.count == 1,
      owners(of: input).first?.count == members, input.cutRows % members == 0
    else { return nil }
    return .ownChunk(RowCut(rows: input.cutRows, parts: members))
  }

  private func collectiveAccesses(
    _ operation: Operation, _ kind: Operation.Collective, _ group: ProcessGroup
  ) -> [Access] {
    let (input, output) = (program[operation.inputs[0]], program[operation.outputs[0]])
    let single = Access.ownChunk(RowCut(rows: 1, parts: 1))
    let members = program.mesh.size(of: group)
    let holders = owners(of: output).first?.count ?? 1
    switch kind {
    case .allReduceSum, .allReduceMax, .broadcast:
      return [.anywhere, .ownChunk(RowCut(rows: output.cutRows, parts: holders))]
    case .reduceScatter: return [.anywhere, holders == 1 ? single : .anywhere]
    case .send: return [.anywhere, .anywhere]
    case .allGather:
      let isOwn = holders == members && blocksPerRank == 1 && output.cutRows % members == 0
      return [
        owners(of: input).first?.count == 1 ? single : .anywhere,
        isOwn ? .ownChunk(RowCut(rows: output.cutRows, parts: members)) : .anywhere,
      ]
    }
  }
}
