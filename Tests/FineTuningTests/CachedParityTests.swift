import Checkpoints
import Emulator
import FineTuning
import GPTJ
import Program
import Testing

@Suite("Cached passes against Hugging Face's GPT-J")
struct CachedParityTests {
  /// Feeds the fixture's sequences in steps of these many tokens, and asks after each token.
  @Test(
    "Logits of every token agree to 1e-5 for every TP, in one run or token by token",
    arguments: ["gptj-v257", "gptj-v403"],
    [(1, 1), (1, 5), (1, 13), (2, 13), (4, 3), (8, 4), (16, 6)])
  func logits(name: String, plan: (tensorParallel: Int, step: Int)) throws {
    let fixture = try Fixture(name)
    let rows = Fixture.batch * plan.step
    let pass = InferencePass(
      model: fixture.model, tensorParallel: plan.tensorParallel, microBatchSize: Fixture.batch,
      elementType: .float32,
      cache: InferencePass.Cache(rows: rows, answers: rows, result: .logits))
    let program = try pass.program()
    let emulator = try Emulator(program, Emulator.Options(workers: 2))
    try ParameterTransfer(model: fixture.model, mesh: program.mesh).write(to: emulator) {
      try fixture.weights.floats(of: $0)
    }
    func set(_ name: String, _ values: [Int32]) throws {
      let tensor = try #require(program.tensor(named: name))
      for rank in 0..<plan.tensorParallel {
        let memory = emulator.memory(of: tensor, rank: rank).bindMemory(to: Int32.self)
        for (index, value) in values.enumerated() { memory[index] = value }
      }
    }
    let count = Fixture.batch * Fixture.sequence
    let ids = try fixture.weights.ints(of: "input_ids").prefix(count).map(Int32.init)
    let vocabulary = fixture.model.vocabularySize
    var found = [Float](repeating: 0, count: ids.count * vocabulary)
    let host = try #require(program.tensor(named: InferencePass.HostTensor.logits))
    let columns = program[host].columns
    typealias Names = InferencePass.HostTensor
    try set(Names.lastRows, (0..<rows).map(Int32.init))
    for first in stride(from: 0, to: Fixture.sequence, by: plan.step) {
      /// Token numbers in the fixture, sequence by sequence; nil beyond a sequence's end.
      let tokens = (0..<rows).map { row -> Int? in
        let position = first + row % plan.step
        return position < Fixture.sequence
          ? row / plan.step * Fixture.sequence + position : nil
      }
      let places = tokens.map { token in
        token.map { $0 / Fixture.sequence * pass.capacity + $0 % Fixture.sequence } ?? -1
      }
      try set(Names.inputIDs, tokens.map { $0.map { ids[$0] } ?? 0 })
      try set(Names.places, places.map(Int32.init))
      try set(Names.lastPlaces, places.map(Int32.init))
      _ = emulator.run()
      let logits = emulator.memory(of: host, rank: 0).bindMemory(to: Float.self)
      for (row, token) in tokens.enumerated() {
        guard let token else { continue }
        for id in 0..<vocabulary {
          found[token * vocabulary + id] =
            logits[(id / columns * rows + row) * columns + id % columns]
        }
      }
    }
    let error = relativeError(found, try fixture.weights.floats(of: "logits"))
    #expect(error < 1e-5, "\(error)")
  }
}
