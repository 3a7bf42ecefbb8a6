import Emulator
import GPTJ
import Program

/// Cached passes of several sizes over one machine: the smallest that fits takes each run.
///
/// Weights, cache and workers are shared; a size is lowered when it is first needed.
final class CachedPasses {
  /// The pass that takes the most rows, whose sizes hold for all.
  let largest: InferencePass
  private let options: Emulator.Options
  private let machine: SizedPass
  private var others: [InferencePass.Cache: SizedPass] = [:]

  /// New tokens of a run at most: enough for products at full speed, and few enough for caches.
  static let mostRows = 512

  /// - Throws: `PlanError` for an illegal plan, `EmulatorError` where the host refuses.
  init(
    _ pass: InferencePass, result: InferencePass.Cache.Result, _ options: Emulator.Options
  ) throws {
    var largest = pass
    let sequences = pass.microBatchSize
    largest.cache = InferencePass.Cache(
      rows: max(Self.mostRows, sequences), answers: sequences, result: result)
    self.largest = largest
    self.options = options
    machine = try SizedPass(largest, options, sharing: nil)
  }

  var emulator: Emulator { machine.emulator }
  var mostRows: Int { largest.cache?.rows ?? 1 }

  /// The pass for so many new tokens and questions; the largest where a smaller one finds no room.
  func pass(rows: Int, answers: Int) -> SizedPass {
    guard var cache = largest.cache else { return machine }
    cache.rows = min(cache.rows, Self.size(rows, step: 32))
    cache.answers = min(cache.answers, Self.size(answers, step: 8))
    if cache == largest.cache { return machine }
    if let known = others[cache] { return known }
    var smaller = largest
    smaller.cache = cache
    let made = (try? SizedPass(smaller, options, sharing: emulator)) ?? machine
    others[cache] = made
    return made
  }

  /// The next power of two, or from `step` on its next multiple: few sizes, and little padding.
  static func size(_ count: Int, step: Int) -> Int {
    var power = 1
    while power < min(count, step) { power *= 2 }
    return count <= step ? power : count.shard(of: step) * step
  }
}

/// One size of a cached pass, ready to run.
final class SizedPass {
  let emulator: Emulator
  private let pass: InferencePass
  private let ranks: Int
  private let inputs: (ids: TensorID, places: TensorID, lastRows: TensorID, lastPlaces: TensorID)
  private let output: TensorID

  fileprivate init(
    _ pass: InferencePass, _ options: Emulator.Options, sharing other: Emulator?
  ) throws {
    self.pass = pass
    let program = try pass.program()
    emulator = try Emulator(program, options, sharing: other)
    ranks = program.mesh.ranks
    func find(_ name: String) -> TensorID {
      guard let tensor = program.tensor(named: name) else {
        preconditionFailure("a cached pass has \(name)")
      }
      return tensor
    }
    typealias Names = InferencePass.HostTensor
    inputs = (
      find(Names.inputIDs), find(Names.places), find(Names.lastRows), find(Names.lastPlaces)
    )
    output = find(pass.cache?.result == .logits ? Names.logits : Names.nextIDs)
  }

  /// New tokens and the rows that ask what comes next.
  struct Run {
    var ids: [Int32] = []
    var places: [Int32] = []
    var lastRows: [Int32] = []
  }

  /// Runs the pass once, what is not there padded with rows that nothing sees.
  func run(_ run: Run) {
    for rank in 0..<ranks {
      fill(inputs.ids, rank, run.ids, padding: 0)
      fill(inputs.places, rank, run.places, padding: -1)
      fill(inputs.lastRows, rank, run.lastRows, padding: 0)
      fill(inputs.lastPlaces, rank, run.lastRows.map { run.places[Int($0)] }, padding: -1)
    }
    _ = emulator.run()
  }

  /// The most likely id of each row that asked.
  func nextID(_ answer: Int) -> Int32 {
    emulator.memory(of: output, rank: 0).bindMemory(to: Int32.self)[answer]
  }

  /// The logits of a row that asked, from the shards that lie one after the other.
  func logits(_ answer: Int) -> (Int) -> Float {
    let shape = emulator.program[output].shape
    let (rows, columns) = (shape[shape.count - 2], shape[shape.count - 1])
    let memory = emulator.memory(of: output, rank: 0).bindMemory(to: Float.self)
    return { token in memory[(token / columns * rows + answer) * columns + token % columns] }
  }

  private func fill(_ tensor: TensorID, _ rank: Int, _ values: [Int32], padding: Int32) {
    let memory = emulator.memory(of: tensor, rank: rank).bindMemory(to: Int32.self)
    for index in memory.indices { memory[index] = index < values.count ? values[index] : padding }
  }
}
