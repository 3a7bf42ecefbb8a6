import Checkpoints
import Emulator
import Foundation
import GPTJ
import Program
import Testing

@testable import FineTuning

@Suite("Log-probabilities of given tokens on emulated shards")
struct ScorerTests {
  private static let model = GPTJModel(
    layers: 2, hiddenSize: 64, heads: 16, vocabularySize: 67, sequenceLength: 600, rotarySize: 4)

  /// Weights large enough that the probabilities differ by orders of magnitude.
  private func scorer(
    tensorParallel: Int = 1, tokensPerPass: Int = 1024, workers: Int = 2
  ) -> Scorer {
    let weights = RandomWeights(seed: 5, standardDeviation: 0.3)
    let shapes = Dictionary(
      uniqueKeysWithValues: ParameterSet(Self.model, tensorParallel: 1).all.flatMap { parameter in
        parameter.huggingFaceNames.map { ($0, parameter.fullShape.reduce(1, *)) }
      })
    return Scorer(
      Self.model, tensorParallel: tensorParallel, tokensPerPass: tokensPerPass,
      Emulator.Options(workers: workers)
    ) { transfer, emulator in
      transfer.write(to: emulator) { name in
        let template = name.split(separator: ".").map { Int($0) == nil ? String($0) : "N" }
        return weights.values(of: name, count: shapes[template.joined(separator: ".")] ?? 0)
      }
    }
  }

  private static func ids(_ count: Int, seed: Int) -> [Int32] {
    (0..<count).map { Int32(($0 * $0 * 7 + $0 * 13 + seed * 29 + $0 / 5) % 67) }
  }

  /// Lengths of several buckets, two of each of some; the first token to score differs.
  private static let uneven = [2, 3, 5, 9, 17, 16, 33, 40, 64, 65, 7, 2].enumerated().map {
    ScoringRequest(ids($1, seed: $0), firstScored: 1 + $0 % 2 * ($1 - 2))
  }

  @Test(
    "They are transformers' log-softmax to 1e-5, and greedy is its arg max, for every TP",
    arguments: ["gptj-v257", "gptj-v403"], [1, 2, 4, 8, 16])
  func fixtures(name: String, tensorParallel: Int) throws {
    let fixture = try Fixture(name)
    let scorer = Scorer(
      fixture.model, tensorParallel: tensorParallel, Emulator.Options(workers: 2)
    ) { transfer, emulator in
      try transfer.write(to: emulator) { try fixture.weights.floats(of: $0) }
    }
    let length = Fixture.sequence
    let ids = try fixture.weights.ints(of: "input_ids").prefix(Fixture.batch * length)
    let logits = try fixture.weights.floats(of: "logits").map(Double.init)
    let requests = (0..<Fixture.batch).map { row in
      ScoringRequest(ids[row * length..<(row + 1) * length].map(Int32.init))
    }
    let vocabulary = fixture.model.vocabularySize
    for (row, scores) in try scorer.scores(requests).enumerated() {
      #expect(scores.logProbabilities.count == length - 1)
      for position in 0..<length - 1 {
        let first = (row * length + position) * vocabulary
        let line = logits[first..<first + vocabulary]
        let label = line[first + ids[row * length + position + 1]]
        let logSum = log(line.reduce(0) { $0 + exp($1) })
        #expect(abs(scores.logProbabilities[position] - (label - logSum)) < 1e-5)
        #expect(scores.areGreedy[position] == (line.max() == label))
      }
    }
  }

  @Test("A score depends neither on the batch nor on the sharding", arguments: [1, 2, 4, 8, 16])
  func batches(tensorParallel: Int) throws {
    let alone = try Self.uneven.map { try scorer().scores([$0])[0] }
    #expect(
      alone.map(\.logProbabilities.count) == Self.uneven.map { $0.ids.count - $0.firstScored })
    #expect(Set(alone.flatMap(\.logProbabilities)).count > 100)
    for (tokens, workers) in [(1, 1), (100, 2), (100_000, 3)] {
      let scorer = scorer(
        tensorParallel: tensorParallel, tokensPerPass: tokens, workers: workers)
      for (found, expected) in zip(try scorer.scores(Self.uneven), alone) {
        #expect(found.areGreedy == expected.areGreedy)
        for (one, other) in zip(found.logProbabilities, expected.logProbabilities) {
          #expect(abs(one - other) < 2e-5)
        }
      }
    }
  }

  @Test("All of a vocabulary's probabilities after a prefix add up to one, one of them is greedy")
  func sumsToOne() throws {
    let prefix = Self.ids(20, seed: 1)
    let requests = (0..<Int32(67)).map { ScoringRequest(prefix + [$0], firstScored: 20) }
    #expect(ScoredSequence.covering(requests).count == 1)
    let scores = try scorer(tensorParallel: 4).scores(requests)
    #expect(abs(scores.reduce(0) { $0 + exp($1.logLikelihood) } - 1) < 1e-6)
    #expect(scores.filter(\.isGreedy).count == 1)
    #expect(scores.max { $0.logLikelihood < $1.logLikelihood }?.isGreedy == true)
  }

  @Test("Rows of logits come in chunks of at most 256", arguments: [1, 255, 256, 257, 300, 599])
  func chunks(rows: Int) throws {
    let ids = Self.ids(rows + 1, seed: 3)
    let pass = ScoringPass(
      model: Self.model, tensorParallel: 2, sequences: 1, scoredRows: rows, elementType: .float32)
    #expect(pass.chunkRows <= 256 && pass.chunks * pass.chunkRows - rows < pass.chunks)
    let program = try pass.program()
    let logits = try #require(program.tensor(named: "head/logits"))
    #expect(program[logits].shape == [pass.chunkRows, 34])
    let whole = try scorer(tensorParallel: 2).scores([ScoringRequest(ids)])[0]
    let last = try scorer().scores([ScoringRequest(ids, firstScored: rows)])[0]
    #expect(whole.logProbabilities.count == rows)
    #expect(abs((whole.logProbabilities.last ?? 0) - last.logLikelihood) < 2e-5)
  }

  @Test("Sequences that others begin with, or equal, share their pass")
  func covering() throws {
    let texts: [[Int32]] = [
      [1, 2, 3, 4], [1, 2, 3], [1, 2, 9], [1, 2, 3, 4, 5], [7, 8], [1, 2, 3, 4], [1, 2, 10, 3],
    ]
    let sequences = ScoredSequence.covering(texts.map { ScoringRequest($0) })
    #expect(sequences.map { Array($0.ids) } == [[7], [1, 2, 10], [1, 2, 3, 4]])
    let wanted = sequences.flatMap(\.wanted)
    #expect(wanted.count == texts.reduce(0) { $0 + $1.count - 1 })
    #expect(wanted.allSatisfy { texts[$0.request][$0.position + 1] == $0.label })
    let together = try scorer().scores(texts.map { ScoringRequest($0) })
    for (text, scores) in zip(texts, together) {
      let alone = try scorer().scores([ScoringRequest(text)])[0]
      #expect(scores.areGreedy == alone.areGreedy)
      #expect(abs(scores.logLikelihood - alone.logLikelihood) < 2e-5)
    }
  }

  @Test("Sum, greedy and perplexity of a text are those of its tokens")
  func sums() {
    let scores = TokenScores(logProbabilities: [-1, -2, -6], areGreedy: [true, true, false])
    #expect(scores.logLikelihood == -9 && !scores.isGreedy)
    #expect(abs(scores.perplexity - exp(3)) < 1e-12)
    #expect(TokenScores(logProbabilities: [-1], areGreedy: [true]).isGreedy)
  }

  @Test(
    "What cannot be scored is refused by the text's number before anything runs",
    arguments: [
      (ScoringRequest([]), ScoringError.nothingToScore(text: 2, tokens: 0)),
      (ScoringRequest([5]), .nothingToScore(text: 2, tokens: 1)),
      (ScoringRequest([5, 6], firstScored: 2), .nothingToScore(text: 2, tokens: 2)),
      (
        ScoringRequest([5, 67, 6]),
        .outsideVocabulary(text: 2, token: 1, id: 67, vocabulary: 67)
      ),
      (
        ScoringRequest([5, 6, -1]),
        .outsideVocabulary(text: 2, token: 2, id: -1, vocabulary: 67)
      ),
    ])
  func refusals(request: ScoringRequest, error: ScoringError) {
    #expect(throws: error) { try scorer().scores([ScoringRequest([1, 2]), request]) }
    #expect("\(error)".contains("text 2"))
  }

  @Test("No texts, no scores; as many tokens as positions and one more are scored")
  func limits() throws {
    #expect(try scorer().scores([]) == [])
    let longest = try scorer().scores([ScoringRequest(Self.ids(601, seed: 2))])
    #expect(longest[0].logProbabilities.count == 600)
    #expect(throws: ScoringError.positions(text: 1, tokens: 602, positions: 600)) {
      try scorer().scores([ScoringRequest(Self.ids(602, seed: 2))])
    }
  }
}
