import Program
import Topology

/// Times one operation on one machine, from its operands' shapes.
struct OperationTimer {
  let program: Program
  let machine: Machine
  private let streamingBytesPerSecond: Double
  private let hostBytesPerSecond: Double

  init(program: Program, machine: Machine) {
    self.program = program
    self.machine = machine
    let ranks = program.mesh.ranks
    streamingBytesPerSecond = machine.topology.streamingBytesPerSecondPerIPU(ranks: ranks)
    hostBytesPerSecond = machine.topology.hostBytesPerSecondPerIPU(ranks: ranks)
  }

  func demand(of operation: Operation) -> Demand {
    var demand = Demand()
    demand.exchangeSeconds = machine.seconds(syncs: Constants.syncsPerOperation)
    switch operation.kind {
    case .load, .store:
      let bytes = program[operation.inputs[0]].bytes
      move(bytes, &demand)
      demand.streamingSeconds = Double(bytes) / streamingBytesPerSecond
      demand.streamingLatencySeconds = Constants.secondsPerStreamingTransfer
    case .hostLoad, .hostStore:
      demand.hostSeconds =
        Double(program[operation.inputs[0]].bytes) / hostBytesPerSecond
        + Constants.hostSecondsPerTransfer
    case .collective(let kind, let group): collect(kind, group, operation, &demand)
    case .send: send(operation, &demand)
    case .slice, .copy, .takeChunk, .receive:
      move(program[operation.outputs[0]].bytes, &demand)
    case .putChunk: move(program[operation.inputs[0]].bytes, &demand)
    case .matmul:
      if let plan = matmulPlan(of: operation) { demand.matmulSeconds = plan.seconds }
    case .attention(let shape): attend(shape, operation, products: 2, &demand)
    case .attentionBackward(let shape): attend(shape, operation, products: 5, &demand)
    case .cachedAttention(let shape): attendCache(shape, operation, &demand)
    default: demand.vectorSeconds = vectorSeconds(of: operation)
    }
    return demand
  }

  /// What an all-reduce of a tensor over its tensor-parallel group would ask for.
  func demand(ofSumming tensor: TensorReference) -> Demand {
    demand(
      of: Operation(
        .collective(.allReduceSum, over: .tensor), inputs: [tensor], outputs: [tensor]))
  }

  /// How a product is laid on the tiles, attention's largest included; nil for anything else.
  func matmulPlan(of operation: Operation) -> MatmulPlan? {
    switch operation.kind {
    case .matmul(let transposeA, _, _):
      let (a, output) = (program[operation.inputs[0]], program[operation.outputs[0]])
      return MatmulPlan(
        rows: output.rows, inner: transposeA ? a.rows : a.columns, columns: output.columns,
        a.elementType, on: machine,
        partials: operation.carrier == .float32 ? .single : machine.partials)
    case .attention(let shape), .attentionBackward(let shape):
      let qkv = program[operation.inputs[0]]
      return MatmulPlan(
        rows: queries(shape) * (qkv.rows / shape.sequence * shape.heads), inner: shape.headSize,
        columns: shape.sequence, qkv.elementType, on: machine)
    default: return nil
    }
  }

  /// The buffers that an operation has beside its operands, on all compute tiles together: attention's
  /// scores, a product's rearranged operands and partial sums, a gather from everyone.
  func scratchBytes(of operation: Operation) -> Int {
    let plan = matmulPlan(of: operation).map {
      Int($0.scratchBytesPerTile * Double(machine.computeTiles))
    }
    if case .collective(let kind, let group) = operation.kind {
      return route(kind, group, operation).scratchBytes
    }
    return program.scratchBytes(of: operation) + (plan ?? 0)
  }

  /// Bytes that change tiles, once.
  private func move(_ bytes: Int, _ demand: inout Demand) {
    demand.exchangeSeconds += Double(bytes) / machine.exchangeBytesPerSecond
  }

  private func collect(
    _ kind: Operation.Collective, _ group: ProcessGroup, _ operation: Operation,
    _ demand: inout Demand
  ) {
    guard program.mesh.size(of: group) > 1 else { return }
    let route = route(kind, group, operation)
    // From the tiles that computed it to those at the links, and back.
    move(program.payloadBytes(of: operation), &demand)
    demand.linkSeconds = route.seconds
    demand.linkSteps = route.steps
  }

  private func route(
    _ kind: Operation.Collective, _ group: ProcessGroup, _ operation: Operation
  ) -> Route {
    machine.route(kind, group, of: program.mesh, bufferBytes: program.payloadBytes(of: operation))
  }

  private func queries(_ shape: Operation.Attention) -> Int {
    (shape.sequence + shape.serialisation - 1) / max(1, shape.serialisation)
  }

  /// Products of all heads at once, block by block of queries; the softmax passes over the scores.
  private func attend(
    _ shape: Operation.Attention, _ operation: Operation, products: Int, _ demand: inout Demand
  ) {
    let qkv = program[operation.inputs[0]]
    let blocks = min(shape.serialisation, shape.sequence)
    if let plan = matmulPlan(of: operation) {
      demand.matmulSeconds = plan.seconds * Double(blocks * products)
    }
    demand.exchangeSeconds +=
      machine.seconds(syncs: Constants.syncsPerOperation * Double(blocks * products))
    // As doubles: the passes over the scores of the largest legal batch exceed 64 bits.
    let scores = Double(qkv.rows) * Double(shape.heads) * Double(shape.sequence)
    let once =
      Constants.softmaxPasses + (shape.dropout == nil ? 0 : Constants.dropoutPasses)
    let passes = Double(once * products) / 2
    demand.vectorSeconds = vectorSeconds(
      bytes: scores * Double(qkv.elementType.bytes) * passes,
      functions: scores * (shape.dropout == nil ? 1 : 2))
  }

  /// Every token against a full cache of its own sequence: the products have one row each.
  private func attendCache(
    _ shape: Operation.Attention, _ operation: Operation, _ demand: inout Demand
  ) {
    let qkv = program[operation.inputs[0]]
    let products = qkv.rows * shape.heads * 2
    let plan = MatmulPlan(
      rows: 1, inner: shape.headSize, columns: shape.sequence, qkv.elementType, on: machine)
    demand.matmulSeconds = plan.seconds * Double(products)
    // As doubles, like the scores above.
    let elements = Double(products) * Double(shape.headSize) * Double(shape.sequence)
    demand.vectorSeconds = vectorSeconds(
      bytes: elements * Double(qkv.elementType.bytes), functions: elements)
  }

  private func vectorSeconds(of operation: Operation) -> Double {
    vectorSeconds(
      bytes: Double(touchedBytes(operation)), functions: Double(functionValues(operation)))
  }

  private func vectorSeconds(bytes: Double, functions: Double) -> Double {
    bytes / (machine.sramBytesPerSecond * Constants.vectorShareOfSRAMBandwidth)
      + functions * Constants.cyclesPerFunctionValue / machine.tileCyclesPerSecond
  }

  /// Values of exp, tanh and the random generator.
  private func functionValues(_ operation: Operation) -> Int {
    switch operation.kind {
    case .gelu, .geluBackward, .logitsSums, .crossEntropyBackward, .dropout:
      program[operation.inputs[0]].count
    default: 0
    }
  }

  /// What vector work reads and writes; a lookup touches the rows that it finds, not the table.
  private func touchedBytes(_ operation: Operation) -> Int {
    let outputs = operation.outputs.reduce(0) { $0 + program[$1].bytes }
    switch operation.kind {
    case .zero: return outputs
    case .embed, .selectRows, .scaledColumns: return 2 * outputs
    case .addScaledColumns: return 3 * program[operation.inputs[1]].bytes
    case .cacheAppend: return 2 * program[operation.inputs[0]].bytes * 2 / 3
    case .embedBackward: return 3 * program[operation.inputs[1]].bytes
    default: return outputs + operation.inputs.reduce(0) { $0 + program[$1].bytes }
    }
  }
}
