import Program

/// Walks through what each stage of a pipeline runs, all side by side.
///
/// A stage waits where it receives what its neighbour has not sent, where it sends what its
/// neighbour has no room for, and where all stages meet. The order is the Program's alone.
struct StageWalks {
  private let program: Program
  private var walks: [Walk]
  /// Mailboxes that hold what was not received yet.
  private var filled: Set<Place> = []
  private var last = 0

  /// One operation of one stage, at one turn of its loops.
  struct Step {
    let stage: Int
    let operation: Operation
    let phase: String
    let turns: [LoopVariable: Int]
  }

  /// One instance of a mailbox on one stage.
  private struct Place: Hashable {
    let stage: Int
    let tensor: TensorID
    let instances: [Int]
  }

  init(_ program: Program) {
    self.program = program
    walks = (0..<program.mesh.pipelineParallel).map { Walk(program.onStage($0).body) }
  }

  /// The next operation of a stage that need not wait; nil at the end.
  ///
  /// Of another stage than the last, and of that phase where there is any: so stages share segments.
  mutating func next(preferring phase: String) -> Step? {
    guard walks.contains(where: { $0.current != nil }) else { return nil }
    if let meeting = meeting() { return meeting }
    let order = walks.indices.map { (last + 1 + $0) % walks.count }
    let ready = order.filter(isReady)
    guard let stage = ready.first(where: { walks[$0].phase == phase }) ?? ready.first else {
      preconditionFailure("every stage of \(program.name) waits for another")
    }
    return take(stage)
  }

  /// The operation at which all stages have arrived, where that is one that they run together.
  private mutating func meeting() -> Step? {
    guard walks.allSatisfy({ $0.current.map(Self.joinsStages) ?? false }) else { return nil }
    for stage in walks.indices.dropFirst() { _ = take(stage) }
    return take(0)
  }

  private static func joinsStages(_ operation: Operation) -> Bool {
    if case .collective(_, over: .pipeline) = operation.kind { true } else { false }
  }

  private func isReady(_ stage: Int) -> Bool {
    guard let operation = walks[stage].current, !Self.joinsStages(operation) else { return false }
    guard let (place, isSend) = mailbox(of: operation, on: stage) else { return true }
    return filled.contains(place) != isSend
  }

  private func mailbox(of operation: Operation, on stage: Int) -> (Place, isSend: Bool)? {
    func place(_ reference: TensorReference, at holder: Int) -> Place {
      let turns = walks[stage].turns
      return Place(
        stage: holder, tensor: reference.tensor,
        instances: reference.indices.map { index in
          index.value(turn: index.variable.flatMap { turns[$0] } ?? 0, stage: stage)
        })
    }
    switch operation.kind {
    case .send(let neighbour):
      return (place(operation.outputs[0], at: neighbour == .next ? stage + 1 : stage - 1), true)
    case .receive: return (place(operation.inputs[0], at: stage), false)
    default: return nil
    }
  }

  private mutating func take(_ stage: Int) -> Step? {
    guard let operation = walks[stage].current else { return nil }
    if let (place, isSend) = mailbox(of: operation, on: stage) {
      if isSend { filled.insert(place) } else { filled.remove(place) }
    }
    let step = Step(
      stage: stage, operation: operation, phase: walks[stage].phase, turns: walks[stage].turns)
    last = stage
    walks[stage].advance()
    return step
  }
}

/// A place in one stage's statements, its loops turning.
private struct Walk {
  private struct Level {
    let statements: [Statement]
    var index = 0
    var loop: Statement.Loop?
    var turn = 0
    let phase: String
  }

  private var levels: [Level]
  private(set) var turns: [LoopVariable: Int] = [:]
  private(set) var current: Operation?
  var phase: String { levels.last?.phase ?? "" }

  init(_ body: [Statement]) {
    levels = [Level(statements: body, phase: "")]
    settle()
  }

  mutating func advance() {
    levels[levels.count - 1].index += 1
    settle()
  }

  /// Goes down and on to the next operation, if there is one.
  private mutating func settle() {
    current = nil
    while let level = levels.last {
      guard level.index < level.statements.count else {
        leave()
        continue
      }
      switch level.statements[level.index] {
      case .operation(let operation):
        current = operation
        return
      case .phase(let name, let inner): levels.append(Level(statements: inner, phase: name))
      case .only(_, let inner): levels.append(Level(statements: inner, phase: level.phase))
      case .loop(let loop, let inner):
        levels.append(Level(statements: inner, loop: loop, phase: level.phase))
        turns[loop.variable] = loop.descending ? loop.count - 1 : 0
      }
    }
  }

  /// Begins the next turn of the innermost loop, or goes on behind what was gone through.
  private mutating func leave() {
    guard var level = levels.popLast() else { return }
    if let loop = level.loop {
      level.turn += 1
      if level.turn < loop.count {
        turns[loop.variable] = loop.descending ? loop.count - 1 - level.turn : level.turn
        level.index = 0
        levels.append(level)
        return
      }
      turns[loop.variable] = nil
    }
    if !levels.isEmpty { levels[levels.count - 1].index += 1 }
  }
}
