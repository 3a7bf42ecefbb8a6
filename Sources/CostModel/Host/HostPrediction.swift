package import Program
package import Topology

/// What the Emulator takes for a step on a measured host, said without looking at the Emulator.
///
/// Times are CPU time of the slowest worker between any two points where all wait, added up.
package struct HostPrediction: Sendable {
  package let workers: Int
  /// Of the slowest worker, from one wait to the next.
  package let busySeconds: Double
  /// Points where workers wait for each other.
  package let waits: Int
  /// Busy time and waits: the wall clock of a host that does nothing else.
  package let seconds: Double
  /// Of all workers, by the name of the operation.
  package let secondsByKind: [String: Double]
  /// What all ranks together execute, by phase.
  package let executed: [(phase: String, work: Work)]

  /// Of a Program without stages, in a type that the host has tables of (`MeasuredHost.require`).
  ///
  /// Cost: linear in the executed operations times lanes, as the Emulator's own schedule.
  package init(of program: Program, on host: MeasuredHost, workers: Int) {
    precondition(
      program.mesh.pipelineParallel == 1, "a host's tables are of steps without stages")
    let sharing = HostSharing(program, workers: workers)
    var walk = HostWalk(sharing, HostTimer(host, sharing))
    // Once to know what is where when a step begins, once to time it.
    walk.run()
    walk.run()
    self.workers = sharing.workers
    busySeconds = walk.busySeconds
    waits = sharing.workers > 1 ? walk.waits : 0
    seconds = busySeconds + Double(waits) * host.barrierSeconds
    secondsByKind = walk.secondsByKind
    var executed: [String: Work] = [:]
    program.forEachOperation { operation, phase, repetitions in
      executed[phase, default: Work()] += sharing.executed(operation) * repetitions
    }
    self.executed = program.phaseNames.map { ($0, executed[$0] ?? Work()) }
  }
}

/// Walks a step as the host runs it: what each worker does between waits, and how long ago it
/// touched what it touches.
private struct HostWalk {
  private let sharing: HostSharing
  private let timer: HostTimer
  private var turns: [LoopVariable: Int] = [:]
  private var hazards = HazardTracker<Place>()
  /// Busy seconds of each worker since the last wait.
  private var since: [Double]
  private(set) var busySeconds = 0.0
  private(set) var waits = 0
  private(set) var secondsByKind: [String: Double] = [:]
  /// Bytes that all workers touched so far.
  private var clock = 0
  private var lastTouch: [Place: (clock: Int, stretch: Int)] = [:]
  private var stretch = 0

  private struct Place: Hashable {
    let tensor: TensorID
    let instance: Int
  }

  private struct Use {
    let place: Place
    let access: Access
    let writes: Bool
  }

  init(_ sharing: HostSharing, _ timer: HostTimer) {
    self.sharing = sharing
    self.timer = timer
    since = Array(repeating: 0, count: sharing.workers)
  }

  private var program: Program { sharing.program }

  mutating func run() {
    (busySeconds, waits, secondsByKind) = (0, 0, [:])
    hazards.clear()
    run(program.body)
    wait()
  }

  private mutating func run(_ statements: [Statement]) {
    for (index, statement) in statements.enumerated() {
      switch statement {
      case .phase(_, let inner), .only(_, let inner): run(inner)
      case .loop(let loop, let inner):
        for turn in 0..<loop.count {
          turns[loop.variable] = loop.descending ? loop.count - 1 - turn : turn
          run(inner)
        }
      case .operation(let operation):
        if !operation.isOverwritten(by: statements[(index + 1)...]) { run(operation) }
      }
    }
  }

  private mutating func wait() {
    busySeconds += since.max() ?? 0
    since = since.map { _ in 0 }
    waits += 1
    stretch += 1
    hazards.clear()
  }

  private func place(_ reference: TensorReference) -> Place {
    let reference = sharing.views.places[reference.tensor] ?? reference
    let extents = program[reference].instances
    let instance = zip(reference.indices, extents).reduce(0) { flat, pair in
      flat * pair.1 + (pair.0.variable.map { turns[$0] ?? 0 } ?? 0) + pair.0.constant
    }
    return Place(tensor: sharing.temporaries.room(of: reference.tensor), instance: instance)
  }

  private mutating func run(_ operation: Operation) {
    if sharing.views.movesNothing(in: operation) { return }
    let references = operation.inputs + operation.outputs
    let places = references.map(place)
    let accesses = sharing.accesses(operation)
    let uses = zip(places, accesses).enumerated().map { index, pair in
      Use(place: pair.0, access: pair.1, writes: index >= operation.inputs.count)
    }
    guard case .sumOfSquares = operation.kind else {
      order(uses[...])
      return time(operation, touch(references, places, accesses))
    }
    // Every lane sums its chunks, then one of them adds those of all.
    order(uses.dropLast())
    time(operation, touch(references, places, accesses))
    if sharing.owners(of: program[operation.outputs[0]]).first?.count != 1 { wait() }
    order(uses.suffix(1))
  }

  private mutating func time(_ operation: Operation, _ operands: [HostTimer.Operand]) {
    if case .collective(let kind, let group) = operation.kind {
      add(operation, kind, group, operands)
    } else {
      add(operation, operands)
    }
  }

  private mutating func order(_ uses: ArraySlice<Use>) {
    let mustWait = uses.contains { use in
      hazards.conflicts(
        use.place, use.access, writes: use.writes,
        overlapping: sharing.temporaries.overlapping(use.place.tensor)
          .map { Place(tensor: $0, instance: 0) })
    }
    if mustWait { wait() }
    for use in uses { hazards.record(use.place, use.access, writes: use.writes) }
  }

  /// Each operand's distance on its worker; from now on it was touched now.
  private mutating func touch(
    _ references: [TensorReference], _ places: [Place], _ accesses: [Access]
  ) -> [HostTimer.Operand] {
    var operands: [HostTimer.Operand] = []
    var moved = 0
    for (index, place) in places.enumerated() {
      let tensor = program[references[index]]
      let bytes = tensor.bytes * sharing.contents(of: program[place.tensor])
      let last = lastTouch[place]
      var distance = ((last.map { clock - $0.clock } ?? 1 << 40) + bytes) / sharing.workers
      // A worker runs one lane through all that nobody waits in, then the next.
      if last?.stretch == stretch, accesses[index] != .anywhere {
        distance /= max(1, sharing.laneCount / sharing.workers)
      }
      operands.append(HostTimer.Operand(bytes: bytes, distance: distance))
      if places.firstIndex(of: place) == index { moved += bytes }
    }
    clock += moved
    for place in places { lastTouch[place] = (clock, stretch) }
    return operands
  }

  private mutating func book(_ seconds: Double, _ operation: Operation, _ lane: Int) {
    since[sharing.worker(of: lane)] += seconds
    secondsByKind[operation.kind.name, default: 0] += seconds
  }

  private mutating func add(_ operation: Operation, _ operands: [HostTimer.Operand]) {
    if let grid = sharing.grid(operation) { return add(operation, grid, operands) }
    let cut = sharing.cut(operation)
    var known: [Int: Double] = [:]
    for lanes in sharing.owners(of: program[operation.outputs[0]]) {
      for (index, lane) in lanes.enumerated() {
        let part = cut?[index].count ?? (index == 0 ? 1 : 0)
        guard part > 0 else { continue }
        let seconds =
          known[part]
          ?? timer.seconds(operation, part: part, of: cut?.rows ?? 1, operands: operands)
        known[part] = seconds
        book(seconds, operation, lane)
      }
    }
  }

  private mutating func add(
    _ operation: Operation, _ grid: ProductGrid, _ operands: [HostTimer.Operand]
  ) {
    for lanes in sharing.owners(of: program[operation.outputs[0]]) {
      var (worker, first) = (-1, 0)
      for (index, lane) in lanes.enumerated() {
        let block = grid[index]
        guard !block.rows.isEmpty, !block.columns.isEmpty else { continue }
        if sharing.worker(of: lane) != worker {
          (worker, first) = (sharing.worker(of: lane), index)
        }
        // A worker's lanes go through the grid row by row: each of A's rows comes in once, and so
        // do B's columns.
        let seconds = timer.product(
          operation, rows: block.rows.count, columns: block.columns.count, operands: operands,
          bringsA: index == first || index % grid.width == 0, bringsB: index - first < grid.width)
        book(seconds, operation, lane)
      }
    }
  }

  private mutating func add(
    _ operation: Operation, _ kind: Operation.Collective, _ group: ProcessGroup,
    _ operands: [HostTimer.Operand]
  ) {
    let output = program[operation.outputs[0]]
    let members = program.mesh.size(of: group)
    let targets = sharing.collectiveTargets(operation, group)
    // Reductions to one buffer are shared out by its owners; shards by the lanes of each member.
    let (lanes, elements): ([[Int]], Int) =
      switch kind {
      case .allReduceSum, .allReduceMax, .broadcast, .reduceScatter, .send:
        (sharing.owners(of: output), output.count)
      case .allGather: (gatherers(operation, group), program[operation.inputs[0]].count)
      }
    for owners in lanes {
      let cut = RowCut(rows: elements, parts: owners.count)
      var known: [Int: Double] = [:]
      for (index, lane) in owners.enumerated() where !cut[index].isEmpty {
        let part = cut[index].count
        let seconds =
          known[part]
          ?? timer.collective(
            operation, kind, sources: members, targets: targets, elements: part, operands: operands)
        known[part] = seconds
        book(seconds, operation, lane)
      }
    }
  }

  /// The lanes of each member of each group that really gathers.
  private func gatherers(_ operation: Operation, _ group: ProcessGroup) -> [[Int]] {
    let members = program.mesh.size(of: group)
    let count = members * sharing.collectiveGroups(operation, group)
    // Members of a group that runs hold shards of their own; the first ones of the mesh stand for it.
    return sharing.shardOwners(group, count: count)
  }
}

extension HostSharing {
  /// The lanes of `count` ranks, group by group: those that gather for all that share the result.
  func shardOwners(_ group: ProcessGroup, count: Int) -> [[Int]] {
    var seen: [Int] = []
    for rank in 0..<program.mesh.ranks {
      for member in program.mesh.members(of: group, with: rank)
      where !seen.contains(member) && seen.count < count {
        seen.append(member)
      }
    }
    return seen.map { rank in (0..<blocksPerRank).map { rank * blocksPerRank + $0 } }
  }
}
