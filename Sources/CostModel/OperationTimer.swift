import Program
import Topology

/// Times one operation on one machine, from its operands' shapes.
struct OperationTimer {
  let program: Program
  let machine: Machine

  func demand(of operation: Operation) -> Demand {
    var demand = Demand()
    demand.exchangeSeconds =
      Constants.syncCyclesPerOperation / machine.topology.ipu.clockHertz
    switch operation.kind {
    case .load, .store:
      move(program[operation.inputs[0]].bytes, &demand)
      demand.streamingSeconds =
        Double(program[operation.inputs[0]].bytes) / machine.topology.streamingBytesPerSecondPerIPU
    case .hostLoad, .hostStore:
      demand.hostSeconds =
        Double(program[operation.inputs[0]].bytes) / machine.hostBytesPerSecond
        + Constants.hostSecondsPerTransfer
    case .collective(let kind, let group): collect(kind, group, operation, &demand)
    case .slice, .copy: move(program[operation.outputs[0]].bytes, &demand)
    case .matmul(let transposeA, _, _): multiply(operation, transposeA, &demand)
    case .attention(let shape): attend(shape, operation, products: 2, &demand)
    case .attentionBackward(let shape): attend(shape, operation, products: 5, &demand)
    case .cachedAttention(let shape): attendCache(shape, operation, &demand)
    default: demand.vectorSeconds = vectorSeconds(bytes: Double(touchedBytes(operation)))
    }
    if operation.carrier == .float32 {
      demand.matmulSeconds /= Constants.singlePartialsShareOfHalfRate
    }
    return demand
  }

  /// What an all-reduce of a tensor over its tensor-parallel group would ask for.
  func demand(ofSumming tensor: TensorReference) -> Demand {
    demand(
      of: Operation(
        .collective(.allReduceSum, over: .tensor), inputs: [tensor], outputs: [tensor]))
  }

  /// Bytes that change tiles, once.
  private func move(_ bytes: Int, _ demand: inout Demand) {
    demand.exchangeSeconds += Double(bytes) / machine.exchangeBytesPerSecond
  }

  /// A ring: each of its n - 1 steps sends 1/n of the buffer; an all-reduce goes round twice.
  private func collect(
    _ kind: Operation.Collective, _ group: ProcessGroup, _ operation: Operation,
    _ demand: inout Demand
  ) {
    guard program.mesh.size(of: group) > 1 else { return }
    let bytes = program.payloadBytes(of: operation)
    move(bytes, &demand)
    let route = machine.route(kind, group, of: program.mesh, bufferBytes: bytes)
    demand.ringSeconds = route.bytes / route.bytesPerSecond
    demand.ringLatencySeconds = Double(route.steps) * Constants.secondsPerRingStep
  }

  private func multiply(_ operation: Operation, _ transposeA: Bool, _ demand: inout Demand) {
    let (a, output) = (program[operation.inputs[0]], program[operation.outputs[0]])
    demand.matmulSeconds = matmulSeconds(
      rows: output.rows, inner: transposeA ? a.rows : a.columns, columns: output.columns, count: 1,
      a.elementType)
  }

  /// Products of all heads at once, block by block of queries; the softmax passes over the scores.
  private func attend(
    _ shape: Operation.Attention, _ operation: Operation, products: Int, _ demand: inout Demand
  ) {
    let qkv = program[operation.inputs[0]]
    let blocks = min(shape.serialisation, shape.sequence)
    let queries = (shape.sequence + blocks - 1) / blocks
    let matrices = qkv.rows / shape.sequence * shape.heads
    demand.matmulSeconds = matmulSeconds(
      rows: queries * matrices, inner: shape.headSize, columns: shape.sequence,
      count: blocks * products, qkv.elementType)
    // As doubles: the passes over the scores of the largest legal batch exceed 64 bits.
    let scores = Double(matrices) * Double(shape.sequence) * Double(shape.sequence)
    let once =
      Constants.softmaxPasses + (shape.dropout == nil ? 0 : Constants.dropoutPasses)
    let passes = Double(once * products) / 2
    demand.vectorSeconds = vectorSeconds(bytes: scores * Double(qkv.elementType.bytes) * passes)
  }

  /// Every token against a full cache of its own sequence: the products have one row each.
  private func attendCache(
    _ shape: Operation.Attention, _ operation: Operation, _ demand: inout Demand
  ) {
    let qkv = program[operation.inputs[0]]
    let products = qkv.rows * shape.heads * 2
    demand.matmulSeconds = matmulSeconds(
      rows: 1, inner: shape.headSize, columns: shape.sequence, count: products, qkv.elementType)
    // As doubles, like the scores above.
    let elements = Double(products) * Double(shape.headSize) * Double(shape.sequence)
    demand.vectorSeconds = vectorSeconds(bytes: elements * Double(qkv.elementType.bytes))
  }

  private func matmulSeconds(
    rows: Int, inner: Int, columns: Int, count: Int, _ type: ElementType
  ) -> Double {
    let flops = 2 * Double(rows) * Double(inner) * Double(columns) * Double(count)
    let share = MatmulCurve.curve(for: type).share(rows: rows, inner: inner, columns: columns)
    return flops / (share * machine.peakFlopsPerSecond(type))
  }

  private func vectorSeconds(bytes: Double) -> Double {
    bytes / (machine.sramBytesPerSecond * Constants.vectorShareOfSRAMBandwidth)
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
