package import Emulator
package import GPTJ
import Program

/// Scores token sequences with a model on emulated shards, in batches of similar length.
///
/// A sequence that begins another one is read off the other's pass, which is exact: what follows a
/// token does not change it. So answers that are one token each cost one pass over their prompt.
package struct Scorer {
  /// Its sequence length is the longest input that may be scored.
  package let model: GPTJModel
  package let tensorParallel: Int
  /// About how many tokens one pass takes in; the sums do not depend on it, memory does.
  package let tokensPerPass: Int
  private let options: Emulator.Options
  private let write: (ParameterTransfer, Emulator) throws -> Void

  /// `write` puts the weights into a pass; it is called once for each length of batches.
  package init(
    _ model: GPTJModel, tensorParallel: Int, tokensPerPass: Int = 1024,
    _ options: Emulator.Options,
    write: @escaping (ParameterTransfer, Emulator) throws -> Void
  ) {
    self.model = model
    self.tensorParallel = tensorParallel
    self.tokensPerPass = tokensPerPass
    self.options = options
    self.write = write
  }

  /// The scores of the requests in their order.
  ///
  /// Lengths are bucketed by powers of two, each bucket is one Program and one reading of the
  /// weights; at most half of a bucket's tokens are padding.
  ///
  /// - Throws: `ScoringError` before anything runs, `PlanError` for an illegal plan,
  ///   `EmulatorError` where the host refuses, and what `write` throws.
  package func scores(_ requests: [ScoringRequest]) throws -> [TokenScores] {
    for (index, request) in requests.enumerated() { try check(request, text: index + 1) }
    var scores = requests.map {
      TokenScores(
        logProbabilities: Array(repeating: 0, count: $0.ids.count - $0.firstScored),
        areGreedy: Array(repeating: false, count: $0.ids.count - $0.firstScored))
    }
    let buckets = Dictionary(grouping: ScoredSequence.covering(requests)) {
      Int.bitWidth - ($0.ids.count - 1).leadingZeroBitCount
    }
    for (_, sequences) in buckets.sorted(by: { $0.key < $1.key }) {
      try run(sequences, into: &scores)
    }
    return scores
  }

  private func check(_ request: ScoringRequest, text: Int) throws(ScoringError) {
    let ids = request.ids
    guard ids.count > request.firstScored else {
      throw .nothingToScore(text: text, tokens: ids.count)
    }
    guard ids.count - 1 <= model.sequenceLength else {
      throw .positions(text: text, tokens: ids.count, positions: model.sequenceLength)
    }
    if let token = ids.firstIndex(where: { !(0..<model.vocabularySize).contains(Int($0)) }) {
      throw .outsideVocabulary(
        text: text, token: token, id: ids[token], vocabulary: model.vocabularySize)
    }
  }

  /// One Program for all of them, as many at once as `tokensPerPass` allows.
  private func run(_ sequences: [ScoredSequence], into scores: inout [TokenScores]) throws {
    let length = sequences.map(\.ids.count).max() ?? 1
    let most = max(1, min(sequences.count, tokensPerPass / length))
    let passes = (sequences.count + most - 1) / most
    let batch = (sequences.count + passes - 1) / passes
    let batches = stride(from: 0, to: sequences.count, by: batch).map {
      Array(sequences[$0..<min($0 + batch, sequences.count)])
    }
    var model = model
    model.sequenceLength = length
    let pass = ScoringPass(
      model: model, tensorParallel: tensorParallel, sequences: batch,
      scoredRows: batches.map { $0.reduce(0) { $0 + $1.wanted.count } }.max() ?? 1,
      elementType: .float32)
    let run = try ScoringRun(pass, options)
    try write(ParameterTransfer(model: model, mesh: run.program.mesh), run.emulator)
    for batch in batches {
      let wanted = run.scores(of: batch)
      for (target, score) in zip(batch.flatMap(\.wanted), wanted) {
        scores[target.request].logProbabilities[target.place] = score.logProbability
        scores[target.request].areGreedy[target.place] = score.isGreedy
      }
    }
  }
}
