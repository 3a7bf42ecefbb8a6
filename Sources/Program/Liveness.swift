/// What is on the tiles at each phase's fullest moment, without unrolling a loop.
///
/// A tensor lives from its first to its last use as written. A use inside a loop that the tensor
/// outlives counts for the whole loop, and so does a value that a later turn reads; a temporary of
/// one turn dies within it. An operation's operands and results are alive together, so an operation
/// in place holds one buffer and any other holds both. What a loop transfers beside its arithmetic
/// has two buffers: one is filled or emptied while the other is worked on.
package struct Liveness: Sendable, Equatable {
  /// One peak for each phase, in the order of their first appearance.
  package let phases: [Peak]

  /// The fullest moment of one phase.
  package struct Peak: Sendable, Equatable {
    package let phase: String
    /// Tensors and scratch together, of one rank.
    package let bytes: Int
    /// What the rank computes at that moment.
    package let operation: Operation
    /// The operation's own buffers that no tensor names.
    package let scratchBytes: Int
    /// The tensors alive then, the largest first.
    package let live: [Resident]
  }

  /// A tensor with all its instances on one rank.
  package struct Resident: Sendable, Equatable {
    package let tensor: TensorID
    package let bytes: Int
  }

  /// The fullest of all phases, or nil for a Program without operations.
  package var peak: Peak? { phases.max { $0.bytes < $1.bytes } }
}

extension Program {
  /// Live bytes of the tiles, phase by phase; `scratch` says what an operation needs beside its
  /// operands, attention's blocks of scores where nothing else is given.
  ///
  /// Cost: linear in statements and tensors, whatever the loops' counts.
  package func liveness(scratch: ((Operation) -> Int)? = nil) -> Liveness {
    let scratch = scratch ?? scratchBytes
    let moments = Moments(of: self)
    let intervals = moments.intervals(of: self)
    let buffers = buffersOfTransfers()
    var change = [Int](repeating: 0, count: moments.operations.count + 1)
    for (index, interval) in intervals.enumerated() {
      guard let interval else { continue }
      change[interval.lowerBound] += residentBytes(index, buffers)
      change[interval.upperBound + 1] -= residentBytes(index, buffers)
    }
    var peaks: [String: (moment: Int, bytes: Int)] = [:]
    var live = 0
    for (moment, entry) in moments.operations.enumerated() {
      live += change[moment]
      let bytes = live + scratch(entry.operation)
      if bytes > peaks[entry.phase]?.bytes ?? -1 { peaks[entry.phase] = (moment, bytes) }
    }
    return Liveness(
      phases: moments.phases.compactMap { phase in
        peaks[phase].map {
          let operation = moments.operations[$0.moment].operation
          return peak(of: phase, at: $0, operation, scratch(operation), intervals, buffers)
        }
      })
  }

  /// When each tensor on the tiles is alive, in moments of the operations as written; nil for those
  /// elsewhere or unused.
  ///
  /// What is read before it is written comes from before: it is always alive.
  var lifetimes: [ClosedRange<Int>?] { Moments(of: self).intervals(of: self) }

  /// Bytes that an operation needs beside its operands: attention's blocks of scores.
  ///
  /// Forward a block of scores and its softmax are alive together, backward also the gradient.
  package func scratchBytes(of operation: Operation) -> Int {
    func block(_ shape: Operation.Attention, copies: Int) -> Int {
      let qkv = self[operation.inputs[0]]
      let queries = (shape.sequence + shape.serialisation - 1) / shape.serialisation
      let sequences = qkv.rows / shape.sequence
      return sequences * shape.heads * queries * shape.sequence * qkv.elementType.bytes * copies
    }
    return switch operation.kind {
    case .attention(let shape): block(shape, copies: 2)
    case .attentionBackward(let shape): block(shape, copies: 3)
    case .cachedAttention(let shape):
      // The scores of one block of queries, and their softmax.
      2 * shape.heads * (self[operation.inputs[0]].rows.shard(of: shape.serialisation))
        * shape.sequence * self[operation.inputs[0]].elementType.bytes
    default: 0
    }
  }

  /// Streaming memory of one rank: every tensor there that some operation touches, all instances.
  package var streamingBytes: Int { streamingResidents.reduce(0) { $0 + $1.bytes } }

  /// The tensors in streaming memory that some operation touches, the largest first.
  package var streamingResidents: [Liveness.Resident] {
    var isUsed = [Bool](repeating: false, count: tensors.count)
    forEachOperation { operation, _, _ in
      for reference in operation.inputs + operation.outputs {
        isUsed[reference.tensor.index] = true
      }
    }
    return largestFirst { isUsed[$0] && tensors[$0].space == .streaming }
  }

  private func peak(
    of phase: String, at peak: (moment: Int, bytes: Int), _ operation: Operation, _ scratch: Int,
    _ intervals: [ClosedRange<Int>?], _ buffers: [TensorID: Int]
  ) -> Liveness.Peak {
    Liveness.Peak(
      phase: phase, bytes: peak.bytes, operation: operation, scratchBytes: scratch,
      live: largestFirst(buffers) { intervals[$0]?.contains(peak.moment) ?? false })
  }

  private func residentBytes(_ index: Int, _ buffers: [TensorID: Int]) -> Int {
    tensors[index].bytes * tensors[index].instanceCount
      * buffers[TensorID(index: index), default: 1]
  }

  /// Two for each tensor on the tiles that an overlapping loop loads or stores.
  private func buffersOfTransfers() -> [TensorID: Int] {
    var buffers: [TensorID: Int] = [:]
    func walk(_ statements: [Statement], overlaps: Bool) {
      for statement in statements {
        switch statement {
        case .phase(_, let inner): walk(inner, overlaps: false)
        case .loop(let loop, let inner): walk(inner, overlaps: loop.overlapsIO)
        case .only(_, let inner): walk(inner, overlaps: overlaps)
        case .operation(let operation) where overlaps && operation.kind.isTransfer:
          for reference in operation.inputs + operation.outputs
          where self[reference].space == .sram { buffers[reference.tensor] = 2 }
        case .operation: break
        }
      }
    }
    walk(body, overlaps: false)
    return buffers
  }

  private func largestFirst(
    _ buffers: [TensorID: Int] = [:], where isIncluded: (Int) -> Bool
  ) -> [Liveness.Resident] {
    tensors.indices.filter(isIncluded)
      .map {
        Liveness.Resident(tensor: TensorID(index: $0), bytes: residentBytes($0, buffers))
      }
      .sorted { ($1.bytes, $0.tensor.index) < ($0.bytes, $1.tensor.index) }
  }
}

/// The operations of a Program in the order written, each a moment, and the loops around them.
private struct Moments {
  var operations: [(operation: Operation, phase: String, loop: Int?)] = []
  var loops: [Scope] = []
  var phases: [String] = []

  /// A loop's moments and the loop around it.
  struct Scope {
    let variable: LoopVariable
    let parent: Int?
    let depth: Int
    var moments: ClosedRange<Int>
  }

  /// One tensor's uses so far: where they are, and whether the first of them reads.
  struct Uses {
    var moments: ClosedRange<Int>
    /// The innermost loop that contains all of them.
    var loop: Int?
    let startsByReading: Bool
  }

  init(of program: Program) { walk(program.body, phase: "", loop: nil) }

  private mutating func walk(_ statements: [Statement], phase: String, loop: Int?) {
    for statement in statements {
      switch statement {
      case .phase(let name, let inner):
        if !phases.contains(name) { phases.append(name) }
        walk(inner, phase: name, loop: loop)
      case .loop(let written, let inner):
        let (index, first) = (loops.count, operations.count)
        loops.append(
          Scope(
            variable: written.variable, parent: loop,
            depth: (loop.map { loops[$0].depth } ?? 0) + 1,
            moments: first...first))
        walk(inner, phase: phase, loop: index)
        loops[index].moments = first...max(first, operations.count - 1)
      case .only(_, let inner): walk(inner, phase: phase, loop: loop)
      case .operation(let operation):
        if phase.isEmpty, !phases.contains("") { phases.append("") }
        operations.append((operation, phase, loop))
      }
    }
  }

  /// When each tensor on the tiles is alive; nil for those elsewhere or unused.
  func intervals(of program: Program) -> [ClosedRange<Int>?] {
    var uses = [Uses?](repeating: nil, count: program.tensors.count)
    for (moment, entry) in operations.enumerated() {
      let operation = entry.operation
      for reference in operation.operandsHere where program[reference].space == .sram {
        let reads = operation.inputs.contains(reference) || operation.kind.accumulates
        extend(&uses[reference.tensor.index], by: reference, at: moment, reads: reads)
      }
    }
    return uses.map { $0.map(carried) }
  }

  private func extend(
    _ uses: inout Uses?, by reference: TensorReference, at moment: Int, reads: Bool
  ) {
    var scope = operations[moment].loop
    var span = moment...moment
    // An instance for each turn: all of them are alive for the whole loop.
    for case let variable? in reference.indices.map(\.variable) {
      while let loop = scope, encloses(loop, variable) {
        span = loops[loop].moments
        scope = loops[loop].parent
      }
    }
    guard var all = uses else {
      uses = Uses(moments: span, loop: scope, startsByReading: reads)
      return
    }
    (all.moments, scope) = (widen(all.moments, from: all.loop, toward: scope), scope)
    span = widen(span, from: scope, toward: all.loop)
    all.loop = common(all.loop, scope)
    all.moments =
      min(all.moments.lowerBound, span.lowerBound)...max(all.moments.upperBound, span.upperBound)
    uses = all
  }

  /// Whether `loop` or one around it has that variable.
  private func encloses(_ loop: Int, _ variable: LoopVariable) -> Bool {
    var scope: Int? = loop
    while let here = scope {
      if loops[here].variable == variable { return true }
      scope = loops[here].parent
    }
    return false
  }

  /// Uses in a loop that the tensor outlives count for all of that loop.
  private func widen(
    _ moments: ClosedRange<Int>, from inner: Int?, toward other: Int?
  ) -> ClosedRange<Int> {
    let outer = common(inner, other)
    var (span, scope) = (moments, inner)
    while let loop = scope, loop != outer {
      span = loops[loop].moments
      scope = loops[loop].parent
    }
    return span
  }

  /// The innermost loop around both.
  private func common(_ one: Int?, _ other: Int?) -> Int? {
    var (one, other) = (one, other)
    while one != other {
      let (depth, otherDepth) = (
        one.map { loops[$0].depth } ?? 0, other.map { loops[$0].depth } ?? 0
      )
      if depth >= otherDepth { one = one.flatMap { loops[$0].parent } }
      if otherDepth >= depth { other = other.flatMap { loops[$0].parent } }
    }
    return one
  }

  /// A value that is read before it is written comes from an earlier turn, or an earlier step.
  private func carried(_ uses: Uses) -> ClosedRange<Int> {
    uses.startsByReading ? 0...max(0, operations.count - 1) : uses.moments
  }
}

extension Operation {
  /// Operands on the rank's own tiles: what it sends to is on another's.
  fileprivate var operandsHere: [TensorReference] {
    if case .send = kind { inputs } else { inputs + outputs }
  }
}

extension Operation.Kind {
  /// Whether the result adds to what the output held before.
  package var accumulates: Bool {
    switch self {
    case .matmul(_, _, let accumulate): accumulate
    case .biasGradient, .layerNormGradient, .embedBackward, .sumOfSquares, .cacheAppend: true
    default: false
    }
  }
}
