import FineTuning
import Glibc
import Testing

@Suite("Drawing the next token")
struct SamplingTests {
  private static let logits: [Float] = [0.5, 3, -1, 2, 2.5, 0, -4, 1]

  private func candidates(
    _ sampling: Sampling, _ logits: [Float] = logits
  ) -> [Int32: Double] {
    let found = sampling.candidates({ logits[$0] }, vocabulary: logits.count)
    return Dictionary(uniqueKeysWithValues: found.map { ($0.token, $0.probability) })
  }

  /// softmax(logits / temperature) over the tokens that stay.
  private func softmax(_ tokens: [Int32], temperature: Double = 1) -> [Int32: Double] {
    let weights = tokens.map { exp(Double(Self.logits[Int($0)]) / temperature) }
    let sum = weights.reduce(0, +)
    return Dictionary(uniqueKeysWithValues: zip(tokens, weights.map { $0 / sum }))
  }

  private func expectEqual(_ found: [Int32: Double], _ expected: [Int32: Double]) {
    #expect(found.keys.sorted() == expected.keys.sorted())
    for (token, probability) in expected {
      #expect(abs((found[token] ?? 0) - probability) < 1e-12)
    }
  }

  // What transformers 5.23 leaves of these logits: TemperatureLogitsWarper, then
  // TopKLogitsWarper, then TopPLogitsWarper.
  @Test(
    "Temperature, top-k and top-p leave what transformers leaves",
    arguments: [
      (Sampling(), [0, 1, 2, 3, 4, 5, 6, 7]), (Sampling(temperature: 2), [0, 1, 2, 3, 4, 5, 6, 7]),
      (Sampling(topK: 3), [1, 3, 4]), (Sampling(topK: 1), [1]),
      (Sampling(topK: 8), [0, 1, 2, 3, 4, 5, 6, 7]),
      (Sampling(topK: 99), [0, 1, 2, 3, 4, 5, 6, 7]),
      (Sampling(topP: 0.9), [1, 3, 4, 7]), (Sampling(topP: 0.5), [1, 4]), (Sampling(topP: 0), [1]),
      (Sampling(temperature: 0.25, topP: 0.9), [1, 4]),
      (Sampling(temperature: 3, topK: 4, topP: 0.75), [1, 3, 4]),
    ] as [(Sampling, [Int32])])
  func kept(sampling: Sampling, tokens: [Int32]) {
    expectEqual(candidates(sampling), softmax(tokens, temperature: sampling.temperature))
  }

  @Test("Equal logits at the edge of top-k stay together")
  func ties() {
    #expect(candidates(Sampling(topK: 2), [1, 2, 2, 2, 0]).keys.sorted() == [1, 2, 3])
  }

  @Test("Top-p of many small probabilities keeps the fewest that make it up")
  func manySmall() {
    let logits = (0..<5000).map { Float(($0 * 2654) % 4999) / 1000 }
    let kept = candidates(Sampling(topP: 0.8), logits)
    let all = candidates(Sampling(), logits)
    let sum = kept.keys.reduce(0) { $0 + (all[$1] ?? 0) }
    let least = kept.keys.compactMap { all[$0] }.min() ?? 0
    #expect(sum >= 0.8 && sum - least < 0.8)
    let others = all.filter { kept[$0.key] == nil }
    #expect(others.values.allSatisfy { $0 <= least })
  }

  @Test("Draws come as often as their probabilities say, the same from the same stream")
  func frequencies() {
    let sampling = Sampling(temperature: 1.3, topK: 6, topP: 0.97, seed: 12)
    let expected = candidates(sampling)
    var counts: [Int32: Int] = [:]
    let draws = 40_000
    var first: [Int32] = []
    for prompt in 0..<draws / 10 {
      var random = sampling.stream(prompt: prompt)
      for _ in 0..<10 {
        let token = sampling.draw({ Self.logits[$0] }, vocabulary: 8, &random)
        counts[token, default: 0] += 1
        if prompt == 0 { first.append(token) }
      }
    }
    #expect(counts.keys.sorted() == expected.keys.sorted() && counts.count > 3)
    // Pearson's statistic has as mean its degrees of freedom; 5 times that is beyond any chance.
    let statistic = expected.reduce(0) { sum, entry in
      let mean = entry.value * Double(draws)
      let difference = Double(counts[entry.key] ?? 0) - mean
      return sum + difference * difference / mean
    }
    #expect(statistic < 5 * Double(expected.count - 1))
    var again = sampling.stream(prompt: 0)
    let repeated = (0..<10).map { _ in
      sampling.draw({ Self.logits[$0] }, vocabulary: 8, &again)
    }
    #expect(repeated == first)
  }

  @Test("Logits that are no numbers draw a token all the same", arguments: [Float.nan, .infinity])
  func notNumbers(value: Float) {
    var random = Sampling().stream(prompt: 0)
    let logits: [Float] = [1, value, value]
    for sampling in [Sampling(), Sampling(topK: 2), Sampling(topP: 0.5)] {
      let token = sampling.draw({ logits[$0] }, vocabulary: 3, &random)
      #expect((0..<3).contains(token))
    }
  }
}
