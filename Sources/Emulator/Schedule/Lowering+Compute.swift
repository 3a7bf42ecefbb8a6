import Kernels
import Program

extension Lowering {
  /// One operation at one turn: once for each distinct result, shared out over the lanes of the
  /// ranks that need it.
  func lowerCompute(_ operation: Operation) {
    if storage.movesNothing(in: operation) {
      return skip(program.work(of: operation) * ranks.count)
    }
    let inputs = operation.inputs.map { program[$0] }
    let outputs = operation.outputs.map { program[$0] }
    var done: Set<Int> = []
    let groups = ranks.compactMap { rank in
      let target = outputs.first.map { storage.contentClass($0, rank: rank) } ?? rank
      return done.insert(target).inserted ? sharers(outputs[0], of: rank) : nil
    }
    if case .sumOfSquares = operation.kind {
      lowerSumOfSquares(operation, groups)
    } else {
      for ranks in groups { lower(operation, inputs, outputs, ranks: ranks) }
    }
    skip(program.work(of: operation) * (ranks.count - groups.count))
    skip(knownSkips(operation, inputs, outputs, executions: groups.count))
  }

  private func lower(
    _ operation: Operation, _ inputs: [Tensor], _ outputs: [Tensor], ranks: [Int]
  ) {
    let owners = lanes.lanes(of: ranks)
    let operation = startingSum(operation, rank: ranks[0])
    let emitter = InstructionEmitter(lowering: self, operation: operation, rank: ranks[0])
    if case .matmul = operation.kind, owners.count > 1 {
      let grid = ProductGrid(
        rows: outputs[0].rows, columns: outputs[0].columns, lanes: owners.count)
      if grid.width > 1 {
        order(accesses(operation, inputs, outputs, ranks: ranks, cut: nil), operation.kind)
        for (index, lane) in owners.enumerated() {
          let block = grid[index]
          guard !block.rows.isEmpty, !block.columns.isEmpty else { continue }
          append(emitter.product(rows: block.rows, columns: block.columns), to: lane)
        }
        return
      }
    }
    let cut = operation.cutRows(inputs, outputs).map { RowCut(rows: $0, parts: owners.count) }
    order(accesses(operation, inputs, outputs, ranks: ranks, cut: cut), operation.kind)
    for (index, lane) in owners.enumerated() {
      let part = cut?[index] ?? (index == 0 ? 0..<1 : 0..<0)
      guard !part.isEmpty else { continue }
      append(emitter.instruction(part), to: lane)
    }
  }

  private func accesses(
    _ operation: Operation, _ inputs: [Tensor], _ outputs: [Tensor], ranks: [Int], cut: RowCut?
  ) -> [(buffer: Int, access: Access, writes: Bool)] {
    let ownRows = operation.readsOwnRows
    var result: [(buffer: Int, access: Access, writes: Bool)] = []
    for (index, reference) in operation.inputs.enumerated() {
      let access =
        sliceAccess(operation, inputs[index], ranks)
        ?? self.access(inputs[index], ranks, cut: ownRows[index] ? cut : nil)
      result.append((buffer(reference, rank: ranks[0]), access, false))
    }
    let writesOwn = operation.writesOwnRows(inputs, outputs)
    for (index, reference) in operation.outputs.enumerated() {
      let access = self.access(outputs[index], ranks, cut: writesOwn ? cut : nil)
      result.append((buffer(reference, rank: ranks[0]), access, true))
    }
    return result
  }

  /// A lane's own chunk, if the buffer's owners are just the lanes that share out the operation.
  func access(_ tensor: Tensor, _ ranks: [Int], cut: RowCut?) -> Access {
    let holders = sharers(tensor, of: ranks[0])
    guard holders == ranks else { return .anywhere }
    if ranks.count * lanes.blocksPerRank == 1 { return .ownChunk(RowCut(rows: 1, parts: 1)) }
    guard let cut, tensor.cutRows == cut.rows else { return .anywhere }
    return .ownChunk(cut)
  }

  /// A slice of a tensor that the whole group shares reads one member's chunk of it, if chunks and
  /// shards are the same rows.
  private func sliceAccess(
    _ operation: Operation, _ input: Tensor, _ ranks: [Int]
  ) -> Access? {
    guard case .slice(let group) = operation.kind, ranks.count == 1, lanes.blocksPerRank == 1
    else { return nil }
    let members = program.mesh.members(of: group, with: ranks[0])
    guard sharers(input, of: ranks[0]) == members, input.cutRows % members.count == 0
    else { return nil }
    return .ownChunk(RowCut(rows: input.cutRows, parts: members.count))
  }

  /// What the kernels leave out of an operation's nominal work, over all its executions.
  private func knownSkips(
    _ operation: Operation, _ inputs: [Tensor], _ outputs: [Tensor], executions: Int
  ) -> Work {
    let tensorParallel = program.mesh.tensorParallel
    switch operation.kind {
    case .attention(let shape): return masked(shape, .forward, inputs[0]) * executions
    case .attentionBackward(let shape): return masked(shape, .backward, inputs[0]) * executions
    case .logitsMax(let vocabulary), .logitsSums(let vocabulary),
      .crossEntropyBackward(let vocabulary, _):
      // Columns beyond the vocabulary are padding, over all shards of a group.
      let padding = inputs[0].columns * tensorParallel - vocabulary
      return Work(elements: inputs[0].rows * padding) * (executions / tensorParallel)
    case .embedBackward:
      // Each token is in one shard of the vocabulary, the other shards pass over it.
      let others = inputs[1].count * (tensorParallel - 1)
      return Work(elements: others) * (executions / tensorParallel)
    default: return Work()
    }
  }

  private func masked(
    _ shape: Operation.Attention, _ pass: Attention.Pass, _ qkv: Tensor
  ) -> Work {
    let units = qkv.rows / shape.sequence * shape.heads
    return Work(
      flops: Attention.skippedFlops(pass, sequence: shape.sequence, headDim: shape.headSize),
      elements: Attention.skippedPairs(sequence: shape.sequence)) * units
  }
}
