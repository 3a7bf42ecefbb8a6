/// What-ifs that need no other shapes: attributes of operations and loops, set afterwards.
extension Program {
  /// Sends matrices in another type: sums over any group, gathers inside tensor-parallel groups.
  ///
  /// Statistics of the loss, norms and biases are few and keep their precision, and so do weights
  /// that replicas gather: rounded, they would be another model. Where the type is no smaller than
  /// the tensor's own, nothing changes.
  package func sendingMatrices(as type: ElementType) -> Program {
    rewritten(carrier: { operation in
      if case .send = operation.kind {
        return type.bytes < self[operation.inputs[0]].elementType.bytes ? type : nil
      }
      guard case .collective(let kind, let group) = operation.kind else { return nil }
      let buffer = self[kind == .allGather ? operation.outputs[0] : operation.inputs[0]]
      guard buffer.shape.count > 1, type.bytes < buffer.elementType.bytes else { return nil }
      switch kind {
      case .allReduceSum, .reduceScatter: return type
      case .allGather: return group == .tensor ? type : nil
      case .allReduceMax, .broadcast, .send: return nil
      }
    })
  }

  /// Accumulates products of float16 operands in float32.
  package func accumulatingInSingle() -> Program {
    rewritten(carrier: { operation in
      switch operation.kind {
      case .matmul, .attention, .attentionBackward, .cachedAttention:
        self[operation.inputs[0]].elementType.isHalf ? .float32 : nil
      default: nil
      }
    })
  }

  /// Lets loops of that name transfer beside their arithmetic; with two turns or fewer there is
  /// nothing to hide.
  package func overlappingIO(ofLoops name: String) -> Program {
    rewritten(loop: { loop in
      var loop = loop
      loop.overlapsIO = loop.name == name && loop.count > 2
      return loop
    })
  }

  /// Every loop and the carrier of every operation exchanged, where `carrier` gives one.
  private func rewritten(
    loop: (Statement.Loop) -> Statement.Loop = { $0 },
    carrier: (Operation) -> ElementType? = { _ in nil }
  ) -> Program {
    func rewrite(_ statements: [Statement]) -> [Statement] {
      statements.map { statement in
        switch statement {
        case .phase(let name, let inner): .phase(name, rewrite(inner))
        case .loop(let written, let inner): .loop(loop(written), rewrite(inner))
        case .only(let stages, let inner): .only(stages, rewrite(inner))
        case .operation(let operation):
          .operation(
            Operation(
              operation.kind, inputs: operation.inputs, outputs: operation.outputs,
              carrier: carrier(operation) ?? operation.carrier))
        }
      }
    }
    return Program(name: name, mesh: mesh, tensors: tensors, body: rewrite(body))
  }
}

extension Operation.Kind {
  /// Whether it moves data between the tiles and another memory.
  package var isTransfer: Bool {
    switch self {
    case .load, .store, .hostLoad, .hostStore: true
    default: false
    }
  }
}
