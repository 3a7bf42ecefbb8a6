import Datasets
package import Emulator
package import GPTJ
import Program

/// Continues prompts token by token on emulated shards, with a key-value cache.
///
/// Prompts and continuations share each run, new tokens only and without padding between them; a
/// finished slot takes the next prompt at once. Greedy unless it samples: the most likely token, of
/// equal ones the first.
package final class Generator {
  private let passes: CachedPasses
  private let endOfText: Int32
  private let sampling: Sampling?
  /// Most tokens that an answer may have, end of text included.
  package let outputLength: Int
  /// What the last call of `answers` cost.
  package private(set) var measurement = Measurement()

  /// Times of one call, in seconds, and what was read and written in them.
  package struct Measurement: Sendable {
    /// Runs that read prompts, beside continuations.
    package var prefillSeconds = 0.0
    /// Runs that only continue.
    package var decodeSeconds = 0.0
    package var promptTokens = 0
    package var generatedTokens = 0
    package var runs = 0

    package var seconds: Double { prefillSeconds + decodeSeconds }
  }

  /// Lowers the pass onto this host, one slot for each sequence of its micro-batch; `write` puts the
  /// weights in.
  ///
  /// - Throws: `PlanError` for an illegal plan, `EmulatorError` where the host refuses, and what
  ///   `write` throws.
  package init(
    _ pass: InferencePass, outputLength: Int, endOfText: Int32, sampling: Sampling? = nil,
    _ options: Emulator.Options, write: (ParameterTransfer, Emulator) throws -> Void
  ) throws {
    self.outputLength = outputLength
    self.endOfText = endOfText
    self.sampling = sampling
    passes = try CachedPasses(pass, result: sampling == nil ? .ids : .logits, options)
    let emulator = passes.emulator
    try write(ParameterTransfer(model: pass.model, mesh: emulator.program.mesh), emulator)
  }

  /// One place in the cache: which prompt it works on, and how much of it is cached.
  private struct Slot {
    let prompt: Int
    var ids: [Int32]
    let promptLength: Int
    var cached = 0
    var random: SplitMix64?
  }

  /// The answers' ids in the order of the prompts, end of text included where it came.
  ///
  /// Calls `report` for each token as it comes.
  ///
  /// - Throws: `GenerationError` for a prompt that leaves no room for an answer.
  package func answers(
    to prompts: [[Int32]], report: (_ prompt: Int, _ token: Int32) -> Void = { _, _ in }
  ) throws(GenerationError) -> [[Int32]] {
    try check(prompts)
    measurement = Measurement()
    var answers = [[Int32]](repeating: [], count: prompts.count)
    var waiting = prompts.indices.makeIterator()
    func next() -> Slot? {
      waiting.next().map {
        Slot(
          prompt: $0, ids: prompts[$0], promptLength: prompts[$0].count,
          random: sampling?.stream(prompt: $0))
      }
    }
    var slots = (0..<passes.largest.microBatchSize).map { _ in next() }
    while slots.contains(where: { $0 != nil }) {
      for (index, token) in step(&slots) {
        guard let slot = slots[index] else { continue }
        answers[slot.prompt].append(token)
        report(slot.prompt, token)
        if isFinished(slot, token) { slots[index] = next() }
      }
    }
    return answers
  }

  private func check(_ prompts: [[Int32]]) throws(GenerationError) {
    let model = passes.largest.model
    for (index, prompt) in prompts.enumerated() {
      guard !prompt.isEmpty, prompt.count < model.sequenceLength else {
        throw .promptLength(
          index: index, tokens: prompt.count, sequenceLength: model.sequenceLength)
      }
      if let id = prompt.first(where: { !(0..<Int32(model.vocabularySize)).contains($0) }) {
        throw .token(index: index, id: id, vocabulary: model.vocabularySize)
      }
    }
  }

  private func isFinished(_ slot: Slot, _ token: Int32) -> Bool {
    token == endOfText || slot.ids.count >= passes.largest.model.sequenceLength
      || slot.ids.count - slot.promptLength >= outputLength
  }

  /// Gives each slot's uncached tokens to one run as far as it has room, and appends the next token
  /// to those whose tokens it has all.
  private func step(_ slots: inout [Slot?]) -> [(slot: Int, token: Int32)] {
    let start = ContinuousClock.now
    var run = SizedPass.Run()
    var asking: [Int] = []
    var promptTokens = 0
    for index in slots.indices {
      guard let slot = slots[index] else { continue }
      let count = min(slot.ids.count - slot.cached, passes.mostRows - run.ids.count)
      run.ids += slot.ids[slot.cached..<slot.cached + count]
      let first = index * passes.largest.capacity + slot.cached
      run.places += (first..<first + count).map(Int32.init)
      promptTokens += max(0, min(slot.promptLength - slot.cached, count))
      slots[index]?.cached += count
      if slot.cached + count == slot.ids.count, count > 0 {
        asking.append(index)
        run.lastRows.append(Int32(run.ids.count - 1))
      }
    }
    let pass = passes.pass(rows: run.ids.count, answers: asking.count)
    pass.run(run)
    let tokens = asking.enumerated().map { answer, index in
      (slot: index, token: token(answer, from: pass, &slots[index]))
    }
    record(promptTokens: promptTokens, answers: tokens.count, since: start)
    return tokens
  }

  private func token(_ answer: Int, from pass: SizedPass, _ slot: inout Slot?) -> Int32 {
    var token = Int32(0)
    if let sampling, var random = slot?.random {
      token = sampling.draw(
        pass.logits(answer), vocabulary: passes.largest.model.vocabularySize, &random)
      slot?.random = random
    } else {
      token = pass.nextID(answer)
    }
    slot?.ids.append(token)
    return token
  }

  private func record(promptTokens: Int, answers: Int, since start: ContinuousClock.Instant) {
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    if promptTokens > 0 {
      measurement.prefillSeconds += seconds
    } else {
      measurement.decodeSeconds += seconds
    }
    measurement.promptTokens += promptTokens
    measurement.generatedTokens += answers
    measurement.runs += 1
  }
}

/// Why a prompt cannot be answered.
package enum GenerationError: Error, Equatable, CustomStringConvertible {
  case promptLength(index: Int, tokens: Int, sequenceLength: Int)
  case token(index: Int, id: Int32, vocabulary: Int)
  /// The longest prompt and its answer are more than the model was made for.
  case positions(prompt: Int, outputLength: Int, positions: Int)
  /// What a cached sequence is asked to hold is more than the model was made for.
  case sequenceLength(Int, positions: Int)

  package var description: String {
    switch self {
    case .promptLength(let index, let tokens, let sequenceLength):
      "prompt \(index + 1) has \(tokens) tokens, expected 1 to \(sequenceLength - 1) "
        + "(sequence_length is \(sequenceLength))"
    case .token(let index, let id, let vocabulary):
      "prompt \(index + 1) has the id \(id), expected 0 to \(vocabulary - 1)"
    case .positions(let prompt, let outputLength, let positions):
      "the longest prompt has \(prompt) tokens and its answer up to \(outputLength), expected "
        + "together at most the model's n_positions, \(positions)"
    case .sequenceLength(let length, let positions):
      "sequence_length is \(length), expected at most the model's n_positions, \(positions)"
    }
  }
}
