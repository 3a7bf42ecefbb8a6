import Datasets
package import Emulator
package import GPTJ
import Program

/// Continues prompts token by token, always with the most likely one, on emulated shards.
///
/// As the reference: every token is a forward pass over whole padded sequences; a finished slot
/// takes the next prompt at once; padding is on the right, where causality hides it.
package final class GreedyGenerator {
  private let pass: InferencePass
  private let emulator: Emulator
  private let inputIDs: TensorID
  private let lastRows: TensorID
  private let nextIDs: TensorID
  private let endOfText: Int32
  /// Most tokens that an answer may have, end of text included.
  package let outputLength: Int

  /// Lowers the pass onto this host; `write` puts the weights in.
  ///
  /// - Throws: `PlanError` for an illegal plan, `EmulatorError` where the host refuses, and what
  ///   `write` throws.
  package init(
    _ pass: InferencePass, outputLength: Int, endOfText: Int32, _ options: Emulator.Options,
    write: (ParameterTransfer, Emulator) throws -> Void
  ) throws {
    self.pass = pass
    self.outputLength = outputLength
    self.endOfText = endOfText
    let program = try pass.program()
    emulator = try Emulator(program, options)
    func find(_ name: String) -> TensorID {
      guard let tensor = program.tensor(named: name) else {
        preconditionFailure("an inference pass has \(name)")
      }
      return tensor
    }
    inputIDs = find(InferencePass.HostTensor.inputIDs)
    lastRows = find(InferencePass.HostTensor.lastRows)
    nextIDs = find(InferencePass.HostTensor.nextIDs)
    try write(ParameterTransfer(model: pass.model, mesh: program.mesh), emulator)
  }

  /// One batch row: which prompt it works on, and what it has so far.
  private struct Slot {
    var prompt: Int
    var ids: [Int32]
    var promptLength: Int
  }

  /// The answers' ids in the order of the prompts, end of text included where it came.
  ///
  /// - Throws: `GenerationError` for a prompt that leaves no room for an answer.
  package func answers(to prompts: [[Int32]]) throws(GenerationError) -> [[Int32]] {
    for (index, prompt) in prompts.enumerated()
    where prompt.isEmpty || prompt.count >= pass.model.sequenceLength {
      throw .promptLength(
        index: index, tokens: prompt.count, sequenceLength: pass.model.sequenceLength)
    }
    var answers = [[Int32]](repeating: [], count: prompts.count)
    var waiting = prompts.indices.makeIterator()
    func next() -> Slot? {
      waiting.next().map {
        Slot(prompt: $0, ids: prompts[$0], promptLength: prompts[$0].count)
      }
    }
    var slots = (0..<pass.microBatchSize).map { _ in next() }
    while slots.contains(where: { $0 != nil }) {
      let tokens = nextTokens(slots.map { $0?.ids ?? [endOfText] })
      for (index, token) in tokens.enumerated() {
        guard var slot = slots[index] else { continue }
        slot.ids.append(token)
        answers[slot.prompt].append(token)
        slots[index] = isFinished(slot, token) ? next() : slot
      }
    }
    return answers
  }

  private func isFinished(_ slot: Slot, _ token: Int32) -> Bool {
    token == endOfText || slot.ids.count >= pass.model.sequenceLength
      || slot.ids.count - slot.promptLength >= outputLength
  }

  /// One forward pass over all slots.
  private func nextTokens(_ sequences: [[Int32]]) -> [Int32] {
    let length = pass.model.sequenceLength
    for rank in 0..<pass.tensorParallel {
      let ids = emulator.memory(of: inputIDs, rank: rank).bindMemory(to: Int32.self)
      let rows = emulator.memory(of: lastRows, rank: rank).bindMemory(to: Int32.self)
      for (slot, sequence) in sequences.enumerated() {
        for (position, id) in sequence.enumerated() { ids[slot * length + position] = id }
        rows[slot] = Int32(slot * length + sequence.count - 1)
      }
    }
    _ = emulator.run()
    return Array(emulator.memory(of: nextIDs, rank: 0).bindMemory(to: Int32.self))
  }
}

/// Why a prompt cannot be answered.
package enum GenerationError: Error, Equatable, CustomStringConvertible {
  case promptLength(index: Int, tokens: Int, sequenceLength: Int)
  /// The longest prompt and its answer are more than the model was made for.
  case positions(prompt: Int, outputLength: Int, positions: Int)

  package var description: String {
    switch self {
    case .promptLength(let index, let tokens, let sequenceLength):
      "prompt \(index + 1) has \(tokens) tokens, expected 1 to \(sequenceLength - 1) "
        + "(sequence_length is \(sequenceLength))"
    case .positions(let prompt, let outputLength, let positions):
      "the longest prompt has \(prompt) tokens and its answer up to \(outputLength), expected "
        + "together at most the model's n_positions, \(positions)"
    }
  }
}
