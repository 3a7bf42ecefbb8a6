import Emulator
import GPTJ
import Program
import Testing

@Suite("Cached passes on the emulator")
struct CachedPassTests {
  private static let model = GPTJModel(
    layers: 2, hiddenSize: 64, heads: 16, vocabularySize: 101, sequenceLength: 37, rotarySize: 4)

  private func pass(
    tensorParallel: Int, rows: Int = 24, answers: Int = 3, layers: Int = 2
  ) -> InferencePass {
    var model = Self.model
    model.layers = layers
    return InferencePass(
      model: model, tensorParallel: tensorParallel, microBatchSize: 3, elementType: .float32,
      cache: InferencePass.Cache(rows: rows, answers: answers, result: .logits))
  }

  private func make(
    _ pass: InferencePass, workers: Int = 2, sharesReplicas: Bool = true,
    sharing other: Emulator? = nil
  ) throws -> Emulator {
    let emulator = try Emulator(
      pass.program(), Emulator.Options(workers: workers, sharesReplicas: sharesReplicas),
      sharing: other)
    if other == nil { fillWeights(emulator) }
    return emulator
  }

  private func fillWeights(_ emulator: Emulator) {
    let program = emulator.program
    for (index, tensor) in program.tensors.enumerated() where tensor.space == .streaming {
      let offset: Float = tensor.name.hasSuffix("gain") ? 1 : 0
      for instance in 0..<tensor.instanceCount {
        for rank in 0..<program.mesh.ranks {
          let memory = emulator.memory(
            of: TensorID(index: index), instance: instance, rank: rank
          ).bindMemory(to: Float.self)
          let shard = tensor.differsOver.isEmpty ? 0 : rank
          for element in memory.indices {
            let place = element + 7919 * instance + 104_729 * index + 15_485_863 * shard
            let bits = place &* 2_654_435_761
            memory[element] = offset + Float(bits >> 7 & 0xFFFF) / 0x10000 * 0.4 - 0.2
          }
        }
      }
    }
  }

  /// Runs tokens at their places and returns the logits of the rows that ask, in the host's layout.
  @discardableResult
  private func run(
    _ emulator: Emulator, ids: [Int32], places: [Int32], lastRows: [Int32]
  ) throws -> (logits: [Float], measured: StepMeasurement) {
    typealias Names = InferencePass.HostTensor
    for (name, values, padding) in [
      (Names.inputIDs, ids, Int32(0)), (Names.places, places, -1), (Names.lastRows, lastRows, 0),
      (Names.lastPlaces, lastRows.map { places[Int($0)] }, -1),
    ] {
      let tensor = try #require(emulator.program.tensor(named: name))
      for rank in 0..<emulator.program.mesh.ranks {
        let memory = emulator.memory(of: tensor, rank: rank).bindMemory(to: Int32.self)
        for index in memory.indices {
          memory[index] = index < values.count ? values[index] : padding
        }
      }
    }
    let measured = emulator.run()
    let output = try #require(emulator.program.tensor(named: Names.logits))
    let logits = emulator.memory(of: output, rank: 0).bindMemory(to: Float.self)
    return (Array(logits), measured)
  }

  /// Two prompts, one of them in two parts, then a token more for each.
  private func runAll(_ emulator: Emulator) throws -> (logits: [Float], measured: StepMeasurement) {
    let second = Int32(pass(tensorParallel: 1).capacity)
    let ids = (0..<20).map { Int32($0 * 37 % 101) }
    _ = try run(
      emulator, ids: Array(ids[0..<14]), places: (0..<9).map { $0 } + (0..<5).map { second + $0 },
      lastRows: [8])
    return try run(
      emulator, ids: Array(ids[14..<19]), places: [9, second + 5, second + 6, second + 7, -1],
      lastRows: [0, 3])
  }

  @Test(
    "What a cached pass states was executed, or knowingly not",
    arguments: [1, 2, 16], [true, false])
  func conservation(tensorParallel: Int, shares: Bool) throws {
    let emulator = try make(pass(tensorParallel: tensorParallel), sharesReplicas: shares)
    let measured = try runAll(emulator).measured
    #expect(miscounts(emulator.program, measured.phases) == [])
    let loaded = measured.phases.reduce(0) { $0 + $1.executed.loadBytes }
    #expect(shares ? loaded == 0 : loaded > 0)
    // Rows 9 of the first and 5, 6, 7 of the second; the last layer only for the two that ask.
    let pairs = (10 + 6 + 7 + 8) + (10 + 8)
    let attention = measured.phases.reduce(0) { $0 + $1.executed.flops + $1.skipped.flops }
    #expect(attention == emulator.program.work.flops * tensorParallel)
    let skipped = measured.phases.reduce(0) { $0 + $1.skipped.flops }
    let room = (24 + 3) * pass(tensorParallel: 1).capacity
    #expect(skipped >= 4 * 4 * 16 * (room - pairs))
  }

  @Test("The bits depend neither on workers nor on sharing", arguments: [1, 4, 16])
  func sameBits(tensorParallel: Int) throws {
    let reference = try runAll(make(pass(tensorParallel: tensorParallel), workers: 1)).logits
    #expect(Set(reference).count > 100)
    for workers in [2, 3, 16] {
      let emulator = try make(pass(tensorParallel: tensorParallel), workers: workers)
      #expect(try runAll(emulator).logits == reference)
    }
    let faithful = try make(pass(tensorParallel: tensorParallel), sharesReplicas: false)
    #expect(try runAll(faithful).logits == reference)
  }

  @Test("Passes of other sizes go on where the first left off", arguments: [1, 4], [1, 2])
  func sharing(tensorParallel: Int, layers: Int) throws {
    let pass = pass(tensorParallel: tensorParallel, layers: layers)
    let (one, other) = try (make(pass), make(pass))
    var smaller = pass
    smaller.cache = InferencePass.Cache(rows: 1, answers: 1, result: .logits)
    let shared = try make(smaller, sharing: other)
    #expect(shared.bytes < other.bytes / 10)
    let ids = (0..<9).map { Int32($0 * 29 % 101) }
    for emulator in [one, other] {
      try run(emulator, ids: ids, places: (0..<9).map { $0 }, lastRows: [8])
    }
    let columns = 101.shard(of: tensorParallel)
    let expected = try run(one, ids: [77], places: [9], lastRows: [0]).logits
    let found = try run(shared, ids: [77], places: [9], lastRows: [0]).logits
    for shard in 0..<tensorParallel {
      // Three rows of answers, of which the first was asked for, against one.
      let wide = expected[(shard * 3) * columns..<(shard * 3 + 1) * columns]
      #expect(Array(wide) == Array(found[shard * columns..<(shard + 1) * columns]))
    }
  }
}
