import Program

/// What a Program keeps from step to step in streaming memory, told from its own structure.
///
/// A tensor that is loaded before anything was stored into it comes from an earlier step: weights,
/// and the optimizer's moments. Activations and gradients are stored first.
struct Inventory: Sendable, Equatable {
  /// Operations of the graphs to compile: loops share their code, and so do phases that are written
  /// alike, operation by operation.
  var operations = 0
  /// Persistent tensors, each instance counted.
  var variables = 0
  /// Those of them that are weights.
  var weightVariables = 0
  /// Bytes of all persistent tensors, and of the weights, over all ranks.
  var bytes = 0
  var weightBytes = 0
  var tensorParallel: Int

  init(of program: Program) {
    tensorParallel = program.mesh.tensorParallel
    operations = program.operationsOfGraphs
    for (stage, count) in program.mesh.stageKinds { add(program.onStage(stage), stages: count) }
  }

  private mutating func add(_ program: Program, stages: Int) {
    var scan = Scan(program)
    program.forEachOperation { operation, _, _ in scan.visit(operation) }
    for (index, tensor) in program.tensors.enumerated() where scan.loadedFirst[index] {
      let total = tensor.bytes * tensor.instanceCount * program.mesh.ranksPerStage * stages
      variables += tensor.instanceCount * stages
      bytes += total
      guard !scan.isMoment[index] else { continue }
      weightVariables += tensor.instanceCount * stages
      // A checkpoint has once what several ranks hold alike.
      weightBytes +=
        tensor.bytes * tensor.instanceCount * program.mesh.contents(of: tensor) * stages
    }
  }

  /// One walk: which tensors are loaded before they are stored, and which feed AdamW's moments.
  private struct Scan {
    var loadedFirst: [Bool]
    var isMoment: [Bool]
    private var isStored: [Bool]
    /// The tensor in streaming memory that each tensor on the tiles was loaded from.
    private var source: [Int?]

    init(_ program: Program) {
      let none = [Bool](repeating: false, count: program.tensors.count)
      (loadedFirst, isMoment, isStored) = (none, none, none)
      source = [Int?](repeating: nil, count: program.tensors.count)
    }

    mutating func visit(_ operation: Operation) {
      switch operation.kind {
      case .load:
        let from = operation.inputs[0].tensor.index
        source[operation.outputs[0].tensor.index] = from
        if !isStored[from] { loadedFirst[from] = true }
      case .store: isStored[operation.outputs[0].tensor.index] = true
      case .adamW:
        for moment in operation.inputs[2...3] {
          if let from = source[moment.tensor.index] { isMoment[from] = true }
        }
      default: break
      }
    }
  }
}

extension Mesh {
  /// How many ranks of a stage hold something of their own of a tensor.
  fileprivate func contents(of tensor: Tensor) -> Int {
    (tensor.differsOver.contains(.tensor) ? tensorParallel : 1)
      * (tensor.differsOver.contains(.data) ? dataParallel : 1)
  }
}
