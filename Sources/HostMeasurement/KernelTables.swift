import Program
import Topology

/// The tables of kernels that go by elements and by where their operands are.
enum KernelTables {
  static let vocabulary = 512
  /// Elements of an instruction: a small part of a small step, and all of a cache.
  static let elements = [256, 2048, 16_384, 131_072]
  /// In a core's own cache, in the shared one, and beyond.
  static let workingSets = [1 << 18, 1 << 20, 1 << 22, 1 << 24, 1 << 26, 1 << 27]
  /// At least so many elements are worth a look at the clock.
  static let leastElements = 1 << 19
  /// Every plan of one rank has so many lanes.
  static let lanes = 16

  /// One table: every number of elements in every working set.
  static func table(
    _ kind: MeasuredHost.Kind, _ type: ElementType
  ) throws -> MeasuredHost.Table {
    var rates: [Double] = []
    for count in elements {
      try rates += row { workingSet in
        program(kind, type, elements: count, workingSet: workingSet)
      }
    }
    return MeasuredHost.Table(
      kind: kind, elementType: type.rawValue, axes: [elements, workingSets], rates: rates)
  }

  static func allReduce(_ type: ElementType) throws -> MeasuredHost.Table {
    let sources = [2, 4, 16]
    var rates: [Double] = []
    for ranks in sources {
      for count in elements {
        try rates += row { workingSet in
          reduction(type, ranks: ranks, elements: count, workingSet: workingSet)
        }
      }
    }
    return MeasuredHost.Table(
      kind: .allReduce, elementType: type.rawValue, axes: [sources, elements, workingSets],
      rates: rates)
  }

  /// The rates of all working sets; one that a single operation overfills has the next one's.
  private static func row(_ program: (Int) -> KernelProgram) throws -> [Double] {
    var rates: [Double] = []
    var missing = 0
    for workingSet in workingSets {
      let program = program(workingSet)
      if program.workingSetBytes > 2 * workingSet, workingSet != workingSets.last {
        missing += 1
        continue
      }
      let rate = try program.rate()
      rates += [Double](repeating: rate, count: missing + 1)
      missing = 0
    }
    return rates
  }

  private static func reduction(
    _ type: ElementType, ranks: Int, elements: Int, workingSet: Int
  ) -> KernelProgram {
    let mesh = Mesh(tensorParallel: ranks, dataParallel: 1)
    let lanes = ranks * max(1, (lanes + ranks - 1) / ranks)
    let shape = [lanes * elements / 256, 256]
    return KernelProgram(
      .collective(.allReduceSum, over: .tensor),
      [.init(shape: shape, elementType: type, axes: .tensor)],
      [.init(shape: shape, elementType: type)], mesh: mesh, elements: elements,
      instructions: lanes, workingSet: workingSet, leastElements: leastElements)
  }

  /// Rows of 256 columns on 16 lanes, so that each has `elements`; gains, biases, statistics and sums of
  /// gradients are float32.
  static func program(
    _ kind: MeasuredHost.Kind, _ type: ElementType, elements: Int, workingSet: Int
  ) -> KernelProgram {
    typealias Operand = KernelProgram.Operand
    let columns = 256
    let rows = lanes * elements / columns
    let x = Operand(shape: [rows, columns], elementType: type)
    let perRow = Operand(shape: [rows])
    let wide = Operand(shape: [columns], isFixed: true)
    let stats = Operand(shape: [rows, 2])
    let tokens = Operand(shape: [rows], elementType: .int32)
    func table(_ type: ElementType) -> Operand {
      Operand(shape: [vocabulary, columns], elementType: type, isFixed: true)
    }
    func make(
      _ operation: Operation.Kind, _ inputs: [Operand], _ outputs: [Operand],
      inPlace: [Int: Int] = [:], elements: Int = elements, instructions: Int = lanes
    ) -> KernelProgram {
      KernelProgram(
        operation, inputs, outputs, inPlace: inPlace, elements: elements,
        instructions: instructions, workingSet: workingSet, leastElements: leastElements)
    }
    switch kind {
    case .copy: return make(.copy, [x], [x])
    case .zero: return make(.zero, [], [x])
    case .gelu: return make(.gelu, [x], [x])
    case .geluBackward: return make(.geluBackward, [x, x], [x])
    case .add: return make(.add, [x, x], [x])
    case .addBias: return make(.addBias, [x, wide], [x], inPlace: [0: 0])
    case .biasGradient: return make(.biasGradient, [x], [wide])
    case .addScaledColumns:
      return make(.addScaledColumns(factor: 0.5, first: 0), [x, x], [x], inPlace: [0: 0])
    case .scaledColumns: return make(.scaledColumns(factor: 0.5, first: 0), [x], [x])
    case .layerNorm: return make(.layerNorm(epsilon: 1e-5), [x, wide, wide], [x, stats])
    case .layerNormBackward: return make(.layerNormBackward, [x, x, stats, wide], [x])
    case .layerNormGradient: return make(.layerNormGradient, [x, x, stats], [wide, wide])
    case .embed: return make(.embed, [tokens, table(type)], [x])
    case .embedBackward: return make(.embedBackward, [tokens, x], [table(.float32)])
    case .logitsMax: return make(.logitsMax(vocabulary: columns), [x], [perRow])
    case .logitsSums:
      return make(.logitsSums(vocabulary: columns), [x, tokens, perRow], [perRow, perRow])
    case .crossEntropyBackward:
      return make(
        .crossEntropyBackward(vocabulary: columns, scale: 1), [x, perRow, perRow, tokens], [x],
        inPlace: [0: 0])
    // Beside the lanes' instructions one adds their sums: too little to count.
    case .sumOfSquares: return make(.sumOfSquares, [x], [Operand(shape: [1])])
    case .crossEntropyLoss:
      // One lane does it alone.
      let whole = Operand(shape: [elements], elementType: type)
      return make(
        .crossEntropyLoss,
        [whole, whole, whole, Operand(shape: [elements], elementType: .int32)],
        [Operand(shape: [1])], instructions: 1)
    case .adamW:
      let adamW = Operation.AdamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0.01)
      let one = Operand(shape: [1], isFixed: true)
      let state = Operand(shape: x.shape)
      // A bfloat16 weight is the upper half of a float32 that has its lower half beside it.
      let low = type == .bfloat16 ? [Operand(shape: x.shape, elementType: .int16)] : []
      return make(
        .adamW(adamW), [x, state, state, state, one, Operand(shape: [2], isFixed: true)] + low,
        [x, state, state] + low, inPlace: [0: 0, 1: 2, 2: 3, 3: 6])
    case .rotary:
      // Four of a head's 16: what it costs is a head's share, not an element's.
      let shape = Operation.Attention(heads: 32, headSize: 16, sequence: rows, serialisation: 1)
      return make(
        .rotary(.init(size: 4, base: 10_000), shape, inverse: false),
        [Operand(shape: [rows, 3 * 512], elementType: type)], [x], inPlace: [0: 0])
    case .matmulForward, .matmulInputGradient, .matmulWeightGradient, .attention,
      .attentionBackward, .allReduce:
      preconditionFailure("\(kind.rawValue) goes by its shape")
    }
  }
}
