import Program

/// The tensors on the tiles that an emulator reads and writes where they are in streaming memory, so
/// that loads and stores copy nothing.
///
/// Such a tensor is loaded from or stored to one place only, which nobody else may tell apart from
/// it as long as it lives: read where it was not changed, or written before it is stored.
struct StreamingViews {
  /// What each of them stands for, in the counters of the loops around it.
  let places: [TensorID: TensorReference]

  static let none = StreamingViews(places: [:])

  private init(places: [TensorID: TensorReference]) { self.places = places }

  /// Cost: linear in operations, times those that touch one tensor of streaming memory.
  init(_ program: Program) {
    let uses = Uses(of: program)
    var places: [TensorID: TensorReference] = [:]
    for index in program.tensors.indices {
      let id = TensorID(index: index)
      if let place = uses.place(of: id, in: program) { places[id] = place }
    }
    self.places = places
  }
}

/// Every use of every tensor, in the order written.
private struct Uses {
  private struct Use {
    let moment: Int
    /// The loops around it, from the outermost.
    let loops: [LoopVariable]
    let operation: Operation
    let reference: TensorReference
    let reads: Bool
    let writes: Bool
  }

  private var uses: [[Use]]
  private var moments = 0
  private var momentsOfLoops: [LoopVariable: ClosedRange<Int>] = [:]

  init(of program: Program) {
    uses = Array(repeating: [], count: program.tensors.count)
    walk(program.body, [])
  }

  private mutating func walk(_ statements: [Statement], _ loops: [LoopVariable]) {
    for statement in statements {
      switch statement {
      case .phase(_, let inner), .only(_, let inner): walk(inner, loops)
      case .loop(let loop, let inner):
        let first = moments
        walk(inner, loops + [loop.variable])
        momentsOfLoops[loop.variable] = first...max(first, moments - 1)
      case .operation(let operation):
        for reference in Set(operation.inputs + operation.outputs) {
          let writes = operation.outputs.contains(reference)
          uses[reference.tensor.index].append(
            Use(
              moment: moments, loops: loops, operation: operation, reference: reference,
              reads: operation.inputs.contains(reference)
                || writes && operation.kind.accumulates,
              writes: writes))
        }
        moments += 1
      }
    }
  }

  /// The place in streaming memory that a tensor on the tiles may stand for, if there is one.
  func place(of id: TensorID, in program: Program) -> TensorReference? {
    let tensor = program[id]
    let mine = uses[id.index]
    let transfers = mine.filter { $0.operation.streamingPlace != nil }
    guard tensor.space == .sram, tensor.instances.isEmpty, let first = mine.first,
      let place = transfers.first?.operation.streamingPlace, program.isAlike(tensor, place)
    else { return nil }
    let scope = mine.dropFirst().reduce(first.loops) { commonPrefix($0, $1.loops) }
    let changes = mine.filter { $0.writes && !$0.operation.isLoad }
    let store = transfers.first { !$0.operation.isLoad }
    let isSettled =
      transfers.allSatisfy { $0.operation.streamingPlace == place && $0.loops == scope }
      && transfers.count <= (store == nil ? 1 : 2) && first.writes && !first.reads
      && place.indices.compactMap(\.variable).allSatisfy(scope.contains)
      && transfers.allSatisfy { !$0.operation.isLoad || $0.moment == first.moment }
      && (changes.isEmpty || store.map { $0.moment > changes[changes.count - 1].moment } ?? false)
    guard isSettled else { return nil }
    let own = Set(transfers.map(\.moment))
    let life = life(of: mine, in: scope)
    let others = uses[place.tensor.index].filter {
      !own.contains($0.moment) && $0.loops.starts(with: scope)
        && !$0.reference.isApart(from: place)
        && self.life(of: standIns($0), in: scope).overlaps(life)
    }
    let isAlone = store == nil ? !others.contains { $0.writes } : others.isEmpty
    return isAlone ? place : nil
  }

  /// All uses of what a transfer has on the tiles, which may be a view as well.
  private func standIns(_ use: Use) -> [Use] {
    let tiles = use.operation.streamingPlace.flatMap { place in
      (use.operation.inputs + use.operation.outputs).first { $0 != place }
    }
    return tiles.map { uses[$0.tensor.index] } ?? [use]
  }

  /// From the first to the last of these uses, in one turn of the loops of `scope`: all of an inner
  /// loop where it has one of them, and everything where one is outside.
  private func life(of uses: [Use], in scope: [LoopVariable]) -> ClosedRange<Int> {
    let moments = uses.map { use -> ClosedRange<Int> in
      guard use.loops.starts(with: scope) else { return 0...Int.max }
      let inner = use.loops.dropFirst(scope.count).first
      return inner.flatMap { momentsOfLoops[$0] } ?? use.moment...use.moment
    }
    let first = moments.map(\.lowerBound).min() ?? 0
    return first...(moments.map(\.upperBound).max() ?? first)
  }

  private func commonPrefix(_ one: [LoopVariable], _ other: [LoopVariable]) -> [LoopVariable] {
    Array(zip(one, other).prefix { $0 == $1 }.map(\.0))
  }
}

extension Program {
  /// Whether ranks hold a tensor and a place in streaming memory alike, byte for byte.
  fileprivate func isAlike(_ tensor: Tensor, _ place: TensorReference) -> Bool {
    let stored = self[place]
    return stored.differsOver == tensor.differsOver && stored.elementType == tensor.elementType
      && stored.bytes == tensor.bytes
  }
}

extension Operation {
  fileprivate var isLoad: Bool { if case .load = kind { true } else { false } }

  /// The end of a transfer that is in streaming memory.
  fileprivate var streamingPlace: TensorReference? {
    switch kind {
    case .load: inputs[0]
    case .store: outputs[0]
    default: nil
    }
  }
}

extension TensorReference {
  /// Whether both are different instances at every turn of the loops around them.
  fileprivate func isApart(from other: TensorReference) -> Bool {
    zip(indices, other.indices).contains {
      $0.variable == $1.variable && $0.offset == $1.offset && $0.constant != $1.constant
        && $0.modulus == nil && $1.modulus == nil
    }
  }
}
