package import Datasets
import Glibc

/// How the next token is drawn from its logits: temperature, then top-k, then top-p, in the order
/// and with the meaning of transformers' logits processors.
package struct Sampling: Sendable, Equatable {
  /// Logits are divided by it.
  package var temperature: Double
  /// Only logits at least as large as the k-th stay, so equal ones stay together; nil for all.
  package var topK: Int?
  /// The least likely whose probabilities add up to at most 1 - p go, the most likely never.
  package var topP: Double
  /// Each prompt has its own stream of random numbers, by its number: a batch changes nothing.
  package var seed: UInt64

  package init(temperature: Double = 1, topK: Int? = nil, topP: Double = 1, seed: UInt64 = 0) {
    precondition(
      temperature > 0 && temperature.isFinite && (0...1).contains(topP) && topK ?? 1 > 0,
      "temperature \(temperature), top-k \(topK ?? 0), top-p \(topP)")
    self.temperature = temperature
    self.topK = topK
    self.topP = topP
    self.seed = seed
  }

  /// The random numbers of one prompt.
  package func stream(prompt: Int) -> SplitMix64 {
    SplitMix64(seed: seed, counter: UInt64(prompt))
  }

  /// A token that may follow, and its probability.
  package struct Candidate: Sendable, Equatable {
    package let token: Int32
    package let probability: Double
  }

  /// What may be drawn from a vocabulary's logits, in the order of the tokens; sums to 1.
  ///
  /// Cost: an exponential for each token that top-k leaves, and a sort of those that can matter.
  package func candidates(_ logits: (Int) -> Float, vocabulary: Int) -> [Candidate] {
    var kept = Array(0..<vocabulary)
    if let topK, topK < vocabulary {
      let least = Self.largest(topK, of: logits, vocabulary)
      kept = kept.filter { logits($0) >= least }
    }
    let most = kept.reduce(-Float.infinity) { max($0, logits($1)) }
    var weights = kept.map { exp(Double(logits($0) - most) / temperature) }
    if topP < 1 {
      let stays = Self.nucleus(weights, topP)
      for (index, stays) in stays.enumerated() where !stays { weights[index] = 0 }
    }
    let sum = weights.reduce(0, +)
    return zip(kept, weights).compactMap { token, weight in
      weight > 0 ? Candidate(token: Int32(token), probability: weight / sum) : nil
    }
  }

  /// Draws a token.
  package func draw(
    _ logits: (Int) -> Float, vocabulary: Int, _ random: inout SplitMix64
  ) -> Int32 {
    let candidates = candidates(logits, vocabulary: vocabulary)
    // The upper 53 bits: every double in [0, 1) of that spacing, each equally likely.
    var left = Double(random.next() >> 11) * 0x1p-53
    for candidate in candidates {
      left -= candidate.probability
      if left < 0 { return candidate.token }
    }
    // Rounding left a rest; or there is no candidate, because no logit is a number.
    return candidates.last?.token ?? 0
  }

  /// The k-th largest logit, by a heap of the k largest so far.
  private static func largest(_ k: Int, of logits: (Int) -> Float, _ vocabulary: Int) -> Float {
    var heap = (0..<k).map(logits).sorted()
    for token in k..<vocabulary {
      let logit = logits(token)
      guard logit > heap[0] else { continue }
      var place = 0
      while true {
        var child = 2 * place + 1
        guard child < k else { break }
        if child + 1 < k, heap[child + 1] < heap[child] { child += 1 }
        guard heap[child] < logit else { break }
        heap[place] = heap[child]
        place = child
      }
      heap[place] = logit
    }
    return heap[0]
  }

  /// Which weights stay: those whose sum with all lesser ones exceeds 1 - p of the total.
  private static func nucleus(_ weights: [Double], _ topP: Double) -> [Bool] {
    let cut = (1 - topP) * weights.reduce(0, +)
    // All that are at most their equal share of what goes, go together, so they need no order.
    let least = cut / Double(weights.count)
    let order = weights.indices.filter { weights[$0] > least }.sorted {
      (weights[$0], $0) < (weights[$1], $1)
    }
    var below = weights.reduce(0) { $0 + ($1 <= least ? $1 : 0) }
    var stays = [Bool](repeating: false, count: weights.count)
    for index in order {
      below += weights[index]
      stays[index] = below > cut
    }
    let best = order.last ?? weights.indices.max { weights[$0] < weights[$1] }
    if let best { stays[best] = true }
    return stays
  }
}
