import Kernels
import Program

/// Turns a Program into the host's schedule: unrolls loops, resolves addresses, shares out work.
///
/// Cost: linear in executed operations times lanes; once for each plan.
final class Lowering {
  let program: Program
  let storage: Storage
  let gemm: GEMMBackend
  let lanes: LaneSet
  let tables = PointerTables()
  private var instructions: [[Instruction]]
  private var segments: [Schedule.Segment] = []
  private var hazards = HazardTracker<Int>()
  private var phase = 0
  private var phaseNames: [String]
  private var skipped: [Work]
  private var waitsBefore = false
  private var streamingTurns: [StreamingTurn] = []
  /// The turn that begins with the next segment.
  private var enters: Int?
  private var turns: [LoopVariable: Int] = [:]
  /// The stage that is lowered just now.
  private(set) var stage = 0
  /// Its ranks.
  private(set) var ranks: [Int]
  private var rotaryTables: [RotaryKey: UnsafePointer<Float>] = [:]
  private var halfProducts: [HalfProductKey: HalfProduct] = [:]
  private(set) var scratchBytes = 64
  /// Buffers whose zeros were left out, for the product that comes next writes rather than adds.
  private var unwritten: Set<Int> = []

  private struct RotaryKey: Hashable {
    let sequence: Int
    let size: Int
    let base: Double
  }

  private struct HalfProductKey: Hashable {
    let shape: HalfProductShape
    let format: ElementFormat
    let partials: WidenedProduct.Partials
  }

  init(_ program: Program, _ storage: Storage, _ gemm: GEMMBackend = .oneDNN) {
    self.program = program
    self.storage = storage
    self.gemm = gemm
    lanes = LaneSet(program.mesh)
    ranks = program.mesh.ranks(ofStage: 0)
    instructions = Array(repeating: [], count: lanes.count)
    phaseNames = program.phaseNames
    skipped = Array(repeating: Work(), count: phaseNames.count)
  }

  func schedule() -> Schedule {
    if program.mesh.pipelineParallel > 1 { lowerStages() } else { lower(program.body) }
    closeSegment()
    return Schedule(
      phaseNames: phaseNames, turns: streamingTurns, segments: segments, lanes: instructions,
      skipped: skipped,
      scratchBytes: scratchBytes, tables: tables)
  }

  private func lower(_ statements: [Statement]) {
    for (index, statement) in statements.enumerated() {
      switch statement {
      case .only(_, let inner): lower(inner)
      case .phase(let name, let inner):
        closeSegment()
        phase = phaseNames.firstIndex(of: name) ?? 0
        startTurn()
        lower(inner)
        closeSegment()
      case .loop(let loop, let inner):
        for turn in 0..<loop.count {
          turns[loop.variable] = loop.descending ? loop.count - 1 - turn : turn
          lower(inner)
        }
        turns[loop.variable] = nil
      case .operation(let operation):
        // Where streaming memory is in a file, zeros say that the old content need not be read.
        if storage.streaming == nil, operation.isOverwritten(by: statements[(index + 1)...]) {
          for rank in ranks { unwritten.insert(buffer(operation.outputs[0], rank: rank)) }
        } else {
          lower(operation)
        }
      }
    }
  }

  /// A product as it is lowered for `rank`: the first one into a sum that was to be zeroed writes it.
  func startingSum(_ operation: Operation, rank: Int) -> Operation {
    guard case .matmul(let transposeA, let transposeB, true) = operation.kind,
      unwritten.remove(buffer(operation.outputs[0], rank: rank)) != nil
    else { return operation }
    return Operation(
      .matmul(transposeA: transposeA, transposeB: transposeB, accumulate: false),
      inputs: operation.inputs, outputs: operation.outputs, carrier: operation.carrier)
  }

  private func lower(_ operation: Operation) {
    switch operation.kind {
    case .collective(let kind, let group): lowerCollective(operation, kind, group)
    case .send(let neighbour): lowerSend(operation, to: neighbour)
    default: lowerCompute(operation)
    }
  }

  /// All stages side by side, each as far as the others have come.
  private func lowerStages() {
    var stages = StageWalks(program)
    var entered: String?
    while let step = stages.next(preferring: entered ?? phaseNames[0]) {
      (stage, turns) = (step.stage, step.turns)
      ranks = program.mesh.ranks(ofStage: stage)
      if step.phase != entered {
        entered = step.phase
        closeSegment()
        phase = phaseNames.firstIndex(of: step.phase) ?? 0
        startTurn()
      }
      lower(step.operation)
    }
  }

  // MARK: Buffers

  /// A tensor instance at this turn of the loops.
  func instance(_ reference: TensorReference) -> Int {
    let tensor = program[reference]
    return zip(reference.indices, tensor.instances).reduce(0) { flat, pair in
      let (index, extent) = pair
      let value = self.value(of: index)
      precondition((0..<extent).contains(value), "\(tensor.name): index \(value) of \(extent)")
      return flat * extent + value
    }
  }

  /// An index at this turn of the loops.
  func value(of index: Affine) -> Int {
    index.value(turn: index.variable.map { turns[$0] ?? 0 } ?? 0, stage: stage)
  }

  func buffer(_ reference: TensorReference, rank: Int) -> Int {
    let place = storage.place(of: reference.tensor) ?? reference
    return storage.buffer(place.tensor, instance: instance(place), rank: rank)
  }

  /// The ranks of this stage that hold the same content of a tensor as `rank`, itself among them.
  func sharers(_ tensor: Tensor, of rank: Int) -> [Int] {
    let content = storage.contentClass(tensor, rank: rank)
    return ranks.filter { storage.contentClass(tensor, rank: $0) == content }
  }

  // MARK: Segments

  /// Starts a new segment where one of these accesses must come after an earlier one.
  func order(_ accesses: [(buffer: Int, access: Access, writes: Bool)], _ kind: Operation.Kind) {
    touch(accesses, kind)
    let mustWait = accesses.contains {
      let room = storage.room(of: $0.buffer)
      return hazards.conflicts(
        room, $0.access, writes: $0.writes, overlapping: storage.overlapping(room))
    }
    if mustWait { waitForAll() }
    for access in accesses {
      hazards.record(storage.room(of: access.buffer), access.access, writes: access.writes)
    }
  }

  /// Starts a new segment: what comes next is ordered after all before.
  func waitForAll() {
    closeSegment()
    waitsBefore = true
    hazards.clear()
  }

  private func closeSegment() {
    let ends = instructions.map(\.count)
    guard ends != (segments.last?.ends ?? ends.map { _ in 0 }) else { return }
    segments.append(
      Schedule.Segment(phase: phase, waitsBefore: waitsBefore, enters: enters, ends: ends))
    waitsBefore = false
    enters = nil
  }

  /// Where streaming memory is in a file, all wait until what a phase touches next is there.
  private func startTurn() {
    guard storage.streaming != nil else { return }
    streamingTurns.append(StreamingTurn())
    enters = streamingTurns.count - 1
    waitsBefore = true
    hazards.clear()
  }

  private func touch(
    _ accesses: [(buffer: Int, access: Access, writes: Bool)], _ kind: Operation.Kind
  ) {
    guard let streaming = storage.streaming, !streamingTurns.isEmpty else { return }
    for (buffer, _, writes) in accesses where streaming.address(buffer) != nil {
      streamingTurns[streamingTurns.count - 1].touch(
        buffer, writes: writes, replaces: writes && kind.replaces)
    }
  }

  func append(_ instruction: Instruction, to lane: Int) { instructions[lane].append(instruction) }

  func skip(_ work: Work) { skipped[phase] += work }

  // MARK: Tables and scratch

  /// Sines and cosines of a rotary embedding, made once for each shape.
  func rotaryTable(_ rotary: Operation.Rotary, sequence: Int) -> UnsafePointer<Float> {
    let key = RotaryKey(sequence: sequence, size: rotary.size, base: rotary.base)
    if let known = rotaryTables[key] { return known }
    var values = [Float](
      repeating: 0, count: Rotary.tableCount(sequence: sequence, rotaryDim: rotary.size))
    values.withUnsafeMutableBufferPointer { buffer in
      guard let start = buffer.baseAddress else { return }
      Rotary.fillTable(start, sequence: sequence, rotaryDim: rotary.size, base: rotary.base)
    }
    let table = tables.table(values)
    rotaryTables[key] = table
    return table
  }

  /// A product's shape, prepared once for all that have it.
  func halfProduct(
    _ shape: HalfProductShape, of format: ElementFormat, _ partials: WidenedProduct.Partials
  ) -> HalfProduct {
    let key = HalfProductKey(shape: shape, format: format, partials: partials)
    if let known = halfProducts[key] { return known }
    let product = HalfProduct(shape, of: format, partials, gemm)
    halfProducts[key] = product
    tables.keep(product)
    needScratch(product.scratchBytes)
    return product
  }

  /// The number of a tensor's random bits in every step: of its name, the turns of the loops around
  /// it, and which of its contents the rank has, but not of how and where that is kept.
  func stream(of reference: TensorReference, rank: Int) -> UInt64 {
    let tensor = program[reference]
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325  // FNV-1a: offset basis, and its prime below
    func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    func add(_ number: Int) {
      withUnsafeBytes(of: UInt64(number).littleEndian) { $0.forEach { add($0) } }
    }
    tensor.name.utf8.forEach { add($0) }
    turns.sorted { $0.key.id < $1.key.id }.forEach { add($0.value) }
    add(Storage.contentClass(tensor, program.mesh, true, rank: rank))
    return hash
  }

  func needScratch(_ bytes: Int) { scratchBytes = max(scratchBytes, bytes) }
}

extension Operation.Kind {
  /// Whether all of the output is written, whatever it was.
  fileprivate var replaces: Bool {
    switch self {
    case .store, .zero: true
    default: false
    }
  }
}
