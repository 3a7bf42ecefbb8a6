import Program

extension HostSharing {
  /// What all ranks together execute of one operation: of each content once, less what kernels pass
  /// over (masked blocks of attention, padding of the vocabulary, other shards' tokens).
  func executed(_ operation: Operation) -> Work {
    let work = program.work(of: operation)
    if case .collective(let kind, let group) = operation.kind {
      return executed(operation, kind, group, work)
    }
    if views.movesNothing(in: operation) { return Work() }
    let times = contents(of: program[operation.outputs[0]])
    var total = work * times
    let left = passedOver(operation, times: times)
    total.flops -= left.flops
    total.elements -= left.elements
    return total
  }

  /// A collective runs once for each distinct set of buffers that its members write.
  private func executed(
    _ operation: Operation, _ kind: Operation.Collective, _ group: ProcessGroup, _ work: Work
  ) -> Work {
    let members = program.mesh.size(of: group)
    let targets = collectiveTargets(operation, group)
    let groups = collectiveGroups(operation, group)
    switch kind {
    case .allReduceSum, .allReduceMax, .reduceScatter, .send: return work * (members * groups)
    // What members share is delivered once.
    case .allGather, .broadcast: return work * (targets * groups)
    }
  }

  /// Distinct buffers that one group's members write.
  func collectiveTargets(_ operation: Operation, _ group: ProcessGroup) -> Int {
    let output = program[operation.outputs[0]]
    return AxisSet(group).isDisjoint(with: output.differsOver)
      ? 1 : contents(of: output) / collectiveGroups(operation, group)
  }

  /// How many groups really run: those whose members write buffers of their own.
  func collectiveGroups(_ operation: Operation, _ group: ProcessGroup) -> Int {
    let axes = program[operation.outputs[0]].differsOver.subtracting(AxisSet(group))
    return (axes.contains(.tensor) ? program.mesh.tensorParallel : 1)
      * (axes.contains(.data) ? program.mesh.dataParallel : 1)
  }

  private func passedOver(_ operation: Operation, times: Int) -> Work {
    let tensorParallel = program.mesh.tensorParallel
    let inputs = operation.inputs.map { program[$0] }
    switch operation.kind {
    case .attention(let shape): return shape.masked(inputs[0], products: 2) * times
    case .attentionBackward(let shape): return shape.masked(inputs[0], products: 5) * times
    case .logitsMax(let vocabulary), .logitsSums(let vocabulary),
      .crossEntropyBackward(let vocabulary, _):
      let padding = inputs[0].columns * tensorParallel - vocabulary
      return Work(elements: inputs[0].rows * padding) * (times / tensorParallel)
    case .embedBackward:
      return Work(elements: inputs[1].count * (tensorParallel - 1)) * (times / tensorParallel)
    default: return Work()
    }
  }
}

extension Operation.Attention {
  /// Blocks of 32 queries by 32 keys above the diagonal, which nobody computes.
  func masked(_ qkv: Tensor, products: Int) -> Work {
    let tile = 32
    let blocks = sequence > tile ? (sequence - 1) / tile : 0
    let pairs = tile * (blocks * sequence - tile * blocks * (blocks + 1) / 2)
    return Work(flops: 2 * products * pairs * headSize, elements: pairs)
      * (qkv.rows / sequence * heads)
  }
}
