package import Configuration
import Datasets
import Glibc

/// GPT-J's initial weights: normal, norms at one, biases at zero.
///
/// (Hugging Face `GPTJPreTrainedModel`, its standard deviation `initializer_range`.) Every tensor has its own stream of
/// numbers, keyed by its name, so that neither a plan nor the order of tensors changes a value.
package struct RandomWeights: Sendable {
  package let seed: UInt64
  package let standardDeviation: Double

  package init(seed: UInt64, standardDeviation: Double = 0.02) {
    self.seed = seed
    self.standardDeviation = standardDeviation
  }

  package init(_ model: ModelConfiguration) {
    self.init(seed: UInt64(model.seed), standardDeviation: model.initializerRange)
  }

  /// The values of one tensor, by its Hugging Face name.
  package func values(of name: String, count: Int) -> [Float] {
    if name.hasSuffix(".bias") { return [Float](repeating: 0, count: count) }
    if name.contains("ln_") { return [Float](repeating: 1, count: count) }
    var generator = SplitMix64(seed: seed ^ Self.hash(name))
    var values: [Float] = []
    values.reserveCapacity(count + 1)
    while values.count < count {
      let (one, other) = Self.normalPair(&generator)
      values.append(Float(one * standardDeviation))
      values.append(Float(other * standardDeviation))
    }
    return Array(values.prefix(count))
  }

  /// Two independent normal numbers from two uniform ones (Box and Muller 1958).
  private static func normalPair(_ generator: inout SplitMix64) -> (Double, Double) {
    let radius = (-2 * log(uniform(&generator))).squareRoot()
    let angle = 2 * Double.pi * uniform(&generator)
    return (radius * cos(angle), radius * sin(angle))
  }

  /// In (0, 1], so that its logarithm is finite.
  static func uniform(_ generator: inout SplitMix64) -> Double {
    Double((generator.next() >> 11) + 1) * 0x1p-53
  }

  /// FNV-1a of the name's bytes (Fowler, Noll, Vo): stable over processes, unlike `hashValue`.
  static func hash(_ name: String) -> UInt64 {
    name.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }
}
