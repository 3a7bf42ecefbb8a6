/// A step written down once, for every rank of a mesh: the value that all interpreters share.
///
/// Loops stay loops: 28 layers x 128 micro-batches are two counts, so whatever walks the body
/// costs time in the number of statements, not of their repetitions.
package struct Program: Sendable, Equatable {
  package let name: String
  package let mesh: Mesh
  package let tensors: [Tensor]
  package let body: [Statement]

  // Reads in place: a copy of a tensor counts references of its name, shape and instances.
  package subscript(reference: TensorReference) -> Tensor {
    _read { yield tensors[reference.tensor.index] }
  }
  package subscript(id: TensorID) -> Tensor { _read { yield tensors[id.index] } }

  /// The tensor of that name, if there is one.
  ///
  /// Cost: linear in the number of tensors.
  package func tensor(named name: String) -> TensorID? {
    tensors.firstIndex { $0.name == name }.map(TensorID.init(index:))
  }
}

/// A phase, a loop, or one operation.
package indirect enum Statement: Sendable, Equatable {
  /// What runs as one unit from streaming memory on the pod; names repeat where a loop repeats it.
  case phase(String, [Statement])
  case loop(Loop, [Statement])
  case operation(Operation)
  /// What only some stages of a pipeline run.
  case only(StageSet, [Statement])

  /// A counter that runs from 0 up to `count`, or down to 0.
  package struct Loop: Sendable, Equatable {
    package let variable: LoopVariable
    package let name: String
    /// Where it depends on the stage, the most that any makes.
    package internal(set) var count: Int
    package let descending: Bool
    package internal(set) var countByStage: StageNumber?
    /// Whether the transfers of all but two turns run beside another turn's arithmetic.
    package var overlapsIO = false

    package func count(on stage: Int) -> Int { countByStage?.value(on: stage) ?? count }
  }
}

extension Program {
  /// Calls `visit` once for every operation as written, with its phase and the product of its loops.
  ///
  /// Of a pipeline that is more than any rank runs; `onStage` says what one does.
  package func forEachOperation(
    _ visit: (_ operation: Operation, _ phase: String, _ repetitions: Int) -> Void
  ) {
    func walk(_ statements: [Statement], _ phase: String, _ repetitions: Int) {
      for statement in statements {
        switch statement {
        case .phase(let name, let inner): walk(inner, name, repetitions)
        case .loop(let loop, let inner): walk(inner, phase, repetitions * loop.count)
        case .only(_, let inner): walk(inner, phase, repetitions)
        case .operation(let operation): visit(operation, phase, repetitions)
        }
      }
    }
    walk(body, "", 1)
  }

  /// The names of the phases, each once, in the order of their first appearance.
  package var phaseNames: [String] {
    var names: [String] = []
    func walk(_ statements: [Statement]) {
      for statement in statements {
        switch statement {
        case .phase(let name, let inner):
          if !names.contains(name) { names.append(name) }
          walk(inner)
        case .loop(_, let inner), .only(_, let inner): walk(inner)
        case .operation: break
        }
      }
    }
    walk(body)
    return names
  }
}
