/// Writes a Program statement by statement, in the order in which a rank runs it.
///
/// Shape mistakes are programmer errors: they trap where the operation is written.
package final class ProgramBuilder {
  package let mesh: Mesh
  private let name: String
  private var tensors: [Tensor] = []
  private var open: [[Statement]] = [[]]
  private var loops = 0
  /// The names of the open phases, each with a slash behind it.
  private var prefix = ""

  package init(name: String, mesh: Mesh) {
    self.name = name
    self.mesh = mesh
  }

  /// The finished Program; every phase and loop has been closed by then.
  package func build() -> Program {
    precondition(open.count == 1, "a phase or loop is still open")
    return Program(name: name, mesh: mesh, tensors: tensors, body: open[0])
  }

  package subscript(reference: TensorReference) -> Tensor {
    _read { yield tensors[reference.tensor.index] }
  }

  /// Declares a tensor; temporaries are named after the phase that they stand in.
  ///
  /// What stages hold is their own, beside what the host gives them.
  package func declare(
    _ name: String, _ shape: [Int], _ elementType: ElementType, in space: MemorySpace = .sram,
    differsOver axes: AxisSet, instances: [Int] = []
  ) -> TensorID {
    tensors.append(
      Tensor(
        name: space == .sram ? prefix + name : name, shape: shape, elementType: elementType,
        space: space,
        differsOver: self.axes(space == .host ? axes : axes.union(.pipeline)),
        instances: instances))
    return TensorID(index: tensors.count - 1)
  }

  /// Declares a temporary on the tiles and returns its only instance.
  package func temporary(
    _ name: String, _ shape: [Int], _ elementType: ElementType, differsOver axes: AxisSet
  ) -> TensorReference {
    TensorReference(declare(name, shape, elementType, differsOver: axes))
  }

  package func phase(_ name: String, _ body: () -> Void) {
    let outer = prefix
    prefix += name + "/"
    open.append([])
    body()
    close { .phase(name, $0) }
    prefix = outer
  }

  /// Repeats `body`; the index that it gets names the instance of the current turn.
  package func loop(
    _ name: String, count: Int, descending: Bool = false, _ body: (Affine) -> Void
  ) {
    precondition(count > 0, "loop \(name) never runs")
    let variable = LoopVariable(id: loops)
    loops += 1
    open.append([])
    body(Affine(variable))
    let loop = Statement.Loop(
      variable: variable, name: name, count: count, descending: descending)
    close { .loop(loop, $0) }
  }

  /// Repeats `body` as often as each stage of a pipeline does.
  package func loop(_ name: String, countByStage: StageNumber, _ body: (Affine) -> Void) {
    loop(name, count: countByStage.largest(of: mesh.pipelineParallel), body)
    guard case .loop(var loop, let inner) = open[open.count - 1].popLast() else {
      preconditionFailure("a loop was just closed")
    }
    loop.countByStage = countByStage
    open[open.count - 1].append(.loop(loop, inner))
  }

  /// What only some stages of a pipeline run.
  package func only(_ stages: StageSet, _ body: () -> Void) {
    open.append([])
    body()
    close { .only(stages, $0) }
  }

  /// Appends an operation, after its operands were checked against its kind.
  package func emit(
    _ kind: Operation.Kind, _ inputs: [TensorReference], into outputs: [TensorReference]
  ) {
    for reference in inputs { check(reference) }
    for reference in outputs { check(reference) }
    let mistake = kind.mistake(
      in: Operands(tensors: tensors, references: inputs),
      Operands(tensors: tensors, references: outputs), mesh)
    if let mistake {
      preconditionFailure("\(prefix)\(kind.name): \(mistake)")
    }
    open[open.count - 1].append(.operation(Operation(kind, inputs: inputs, outputs: outputs)))
  }

  private func check(_ reference: TensorReference) {
    let expected = tensors[reference.tensor.index].instances.count
    precondition(
      reference.indices.count == expected,
      "\(tensors[reference.tensor.index].name) has \(expected) indices")
  }

  /// A temporary with what a group's ranks hold, reduced: it differs no longer over that group.
  package func allReduce(
    _ partial: TensorReference, _ name: String, over group: ProcessGroup,
    _ kind: Operation.Collective = .allReduceSum
  ) -> TensorReference {
    let tensor = self[partial]
    let sum = temporary(
      name, tensor.shape, tensor.elementType,
      differsOver: tensor.differsOver.subtracting(AxisSet(group)))
    emit(.collective(kind, over: group), [partial], into: [sum])
    return sum
  }

  private func close(_ wrap: ([Statement]) -> Statement) {
    let inner = open.removeLast()
    open[open.count - 1].append(wrap(inner))
  }

  /// Those of the axes that have more than one rank: an axis of one distinguishes nothing.
  package func axes(_ axes: AxisSet) -> AxisSet {
    var axes = axes
    if mesh.tensorParallel == 1 { axes.remove(.tensor) }
    if mesh.dataParallel == 1 { axes.remove(.data) }
    if mesh.pipelineParallel == 1 { axes.remove(.pipeline) }
    return axes
  }
}
