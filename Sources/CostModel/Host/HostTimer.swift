import Program
package import Topology

/// Times a lane's part of an operation from a host's tables.
struct HostTimer {
  let host: MeasuredHost
  let sharing: HostSharing
  private let tables: [Key: MeasuredHost.Table]

  private struct Key: Hashable {
    let kind: MeasuredHost.Kind
    let elementType: String
  }

  init(_ host: MeasuredHost, _ sharing: HostSharing) {
    self.host = host
    self.sharing = sharing
    tables = Dictionary(
      host.tables.map { (Key(kind: $0.kind, elementType: $0.elementType), $0) },
      uniquingKeysWith: { first, _ in first })
  }

  /// Of the type of the operation's matrices: that of its narrowest floats.
  private func table(_ kind: MeasuredHost.Kind, _ operation: Operation) -> MeasuredHost.Table? {
    let half = (operation.inputs + operation.outputs).lazy
      .map { program[$0].elementType }.first(where: \.isHalf)
    return tables[Key(kind: kind, elementType: (half ?? .float32).rawValue)]
  }

  private var program: Program { sharing.program }

  /// An operand as a lane meets it: its bytes in all, and how many others a worker touched since.
  struct Operand {
    let bytes: Int
    let distance: Int
  }

  /// Seconds of a lane that does `part` of `whole` rows (or units, or columns) of an operation.
  func seconds(
    _ operation: Operation, part: Int, of whole: Int, operands: [Operand]
  ) -> Double {
    let inputs = operation.inputs.map { program[$0] }
    switch operation.kind {
    case .attention(let shape):
      return attention(table(.attention, operation), shape, products: 2, units: part)
    case .attentionBackward(let shape):
      return attention(
        table(.attentionBackward, operation), shape, products: 5, units: part)
    case .gradientScale, .hostLoad, .hostStore: return host.instructionSeconds
    default:
      guard let kind = operation.kind.hostKind else { return host.instructionSeconds }
      let elements = self.elements(operation, inputs)
      return vector(
        table(kind, operation), elements: (elements * part + whole - 1) / whole, operands)
    }
  }

  /// Elements by which a kernel is timed, those of all lanes together.
  private func elements(_ operation: Operation, _ inputs: [Tensor]) -> Int {
    switch operation.kind {
    case .embedBackward: return inputs[1].count / program.mesh.tensorParallel
    case .crossEntropyLoss, .putChunk: return inputs[0].count
    default:
      let stated = program.work(of: operation).elements
      return stated > 0 ? stated : program[operation.outputs[0]].count
    }
  }

  /// The rate at each operand's distance, weighted by its bytes.
  private func vector(
    _ table: MeasuredHost.Table?, elements: Int, _ operands: [Operand], before: [Int] = []
  ) -> Double {
    guard let table else { return host.instructionSeconds }
    let smallest = table.axes[before.count][0]
    let count = max(elements, smallest)
    let bytes = operands.reduce(0) { $0 + $1.bytes }
    return operands.reduce(0) { sum, operand in
      let rate = table.rate(at: before + [count, max(1, operand.distance)])
      return sum + Double(operand.bytes) / Double(max(1, bytes)) * Double(count) / rate
    }
  }

  /// A reduction's part, or a copy of it to each target.
  func collective(
    _ operation: Operation, _ kind: Operation.Collective, sources: Int, targets: Int,
    elements: Int, operands: [Operand]
  ) -> Double {
    switch kind {
    case .allReduceSum, .allReduceMax, .reduceScatter:
      vector(table(.allReduce, operation), elements: elements, operands, before: [sources])
    case .allGather, .broadcast, .send:
      vector(table(.copy, operation), elements: elements, operands) * Double(targets)
    }
  }

  private func attention(
    _ table: MeasuredHost.Table?, _ shape: Operation.Attention, products: Int, units: Int
  ) -> Double {
    guard let table else { return host.instructionSeconds }
    let flops = products * shape.scoreFlops(tokens: shape.sequence) / shape.heads * units
    return Double(flops) / table.rate(at: [shape.sequence, shape.headSize])
  }

  /// One lane's block of a product; `bringsA`, `bringsB`: whether its worker had none of these
  /// rows, or columns, yet.
  func product(
    _ operation: Operation, rows: Int, columns: Int, operands: [Operand], bringsA: Bool,
    bringsB: Bool
  ) -> Double {
    guard case .matmul(let transposeA, let transposeB, _) = operation.kind else {
      preconditionFailure("\(operation.kind.name) is no product")
    }
    let (a, b) = (program[operation.inputs[0]], program[operation.inputs[1]])
    let inner = transposeA ? a.rows : a.columns
    let kind: MeasuredHost.Kind =
      transposeA ? .matmulWeightGradient : transposeB ? .matmulForward : .matmulInputGradient
    guard let table = table(kind, operation) else { return host.instructionSeconds }
    let shape = zip([rows, columns, inner], table.axes).map { max($0, $1[0]) }
    var seconds = Double(2 * shape[0] * shape[1] * shape[2]) / table.rate(at: shape)
    let bytes = [
      rows * inner * a.elementType.bytes, inner * columns * b.elementType.bytes,
      rows * columns * program[operation.outputs[0]].elementType.bytes,
    ]
    let touched = bytes.reduce(0, +)
    // The table's operands are at hand; what was last touched longer ago has to come first.
    for (index, bytes) in bytes.enumerated() where index < operands.count {
      guard index != 0 || bringsA, index != 1 || bringsB else { continue }
      seconds += coming(bytes, from: operands[index].distance, at: touched)
    }
    return seconds
  }

  /// What it takes more to read `bytes` from so far than from within a working set.
  private func coming(_ bytes: Int, from distance: Int, at near: Int) -> Double {
    let key = Key(kind: .sumOfSquares, elementType: ElementType.float32.rawValue)
    guard let table = tables[key], distance > near else { return 0 }
    func seconds(_ distance: Int) -> Double {
      Double(bytes / 4) / table.rate(at: [1 << 14, max(1, distance)])
    }
    return max(0, seconds(distance) - seconds(near))
  }
}

extension Operation.Kind {
  /// The table that times it, of those that go by elements.
  package var hostKind: MeasuredHost.Kind? {
    switch self {
    case .load, .store, .copy, .takeChunk, .putChunk, .slice, .selectRows, .cacheAppend: .copy
    case .zero: .zero
    case .add: .add
    case .addBias: .addBias
    case .biasGradient: .biasGradient
    case .addScaledColumns: .addScaledColumns
    case .scaledColumns: .scaledColumns
    case .gelu: .gelu
    case .geluBackward: .geluBackward
    case .layerNorm: .layerNorm
    case .layerNormBackward: .layerNormBackward
    case .layerNormGradient: .layerNormGradient
    case .rotary: .rotary
    case .embed: .embed
    case .embedBackward: .embedBackward
    case .logitsMax, .argmax: .logitsMax
    case .logitsSums: .logitsSums
    case .crossEntropyLoss: .crossEntropyLoss
    case .crossEntropyBackward: .crossEntropyBackward
    case .sumOfSquares: .sumOfSquares
    case .adamW: .adamW
    case .dropout: .gelu
    case .hostLoad, .hostStore, .collective, .send, .receive, .matmul, .attention,
      .attentionBackward,
      .cachedAttention, .gradientScale, .elementwise:
      nil
    }
  }
}
