import FineTuning
import Testing

@Suite("Random initial weights")
struct RandomWeightsTests {
  private let name = "transformer.h.3.mlp.fc_in.weight"

  @Test("Weights are normal with the given deviation")
  func distribution() {
    let count = 100_001
    let values = RandomWeights(seed: 5).values(of: name, count: count).map { Double($0) / 0.02 }
    func moment(_ power: Int) -> Double {
      values.reduce(0) { sum, value in
        sum + (0..<power).reduce(1) { product, _ in product * value }
      } / Double(count)
    }
    // Four standard errors of each moment.
    let root = Double(count).squareRoot()
    #expect(abs(moment(1)) < 4 / root)
    #expect(abs(moment(2) - 1) < 4 * 2.0.squareRoot() / root)
    #expect(abs(moment(3)) < 4 * 15.0.squareRoot() / root)
    #expect(abs(moment(4) - 3) < 4 * 96.0.squareRoot() / root)
  }

  @Test("Neighbours do not depend on each other")
  func independence() {
    let values = RandomWeights(seed: 5).values(of: name, count: 100_000).map { Double($0) / 0.02 }
    for distance in [1, 2, 3, 64] {
      let sum = zip(values, values.dropFirst(distance)).reduce(0) { $0 + $1.0 * $1.1 }
      #expect(abs(sum / 100_000) < 4 / 100_000.0.squareRoot())
    }
  }

  @Test("Norms are ones, biases zeros")
  func constants() {
    let weights = RandomWeights(seed: 5)
    for name in ["transformer.h.0.ln_1.weight", "transformer.ln_f.weight"] {
      #expect(weights.values(of: name, count: 9) == [Float](repeating: 1, count: 9))
    }
    for name in ["transformer.h.0.ln_1.bias", "lm_head.bias", "transformer.h.1.mlp.fc_out.bias"] {
      #expect(weights.values(of: name, count: 9) == [Float](repeating: 0, count: 9))
    }
  }

  @Test("Seed and name decide the values, the count only how many there are")
  func streams() {
    let weights = RandomWeights(seed: 5)
    let values = weights.values(of: name, count: 101)
    #expect(weights.values(of: name, count: 101) == values)
    #expect(weights.values(of: name, count: 40) == Array(values.prefix(40)))
    #expect(weights.values(of: name, count: 0) == [])
    for other in [
      RandomWeights(seed: 6).values(of: name, count: 101),
      weights.values(of: "transformer.h.4.mlp.fc_in.weight", count: 101),
    ] {
      #expect(zip(values, other).allSatisfy { $0 != $1 })
    }
  }
}
