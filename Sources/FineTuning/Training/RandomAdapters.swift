package import Configuration
import Datasets

/// Initial adapters as peft's: A uniform within 1 / sqrt(in), B zero, so that training starts at the
/// model as it was.
///
/// (peft `LoraLayer.reset_lora_parameters`: torch's `kaiming_uniform_` with a = sqrt 5, whose bound is
/// sqrt(6 / (1 + a²) / in).) The numbers are our own, each tensor's stream keyed by its name, so
/// that no plan changes a value.
package struct RandomAdapters: Sendable {
  package let seed: UInt64
  package let rank: Int

  package init(_ lora: LoRAConfiguration) {
    seed = UInt64(lora.seed)
    rank = max(1, lora.rank)
  }

  /// The values of one matrix, by its Hugging Face name.
  package func values(of name: String, count: Int) -> [Float] {
    guard name.hasSuffix(".lora_A.weight") else { return [Float](repeating: 0, count: count) }
    let bound = 1 / Double(count / rank).squareRoot()
    var generator = SplitMix64(seed: seed ^ RandomWeights.hash(name))
    return (0..<count).map { _ in
      Float((2 * RandomWeights.uniform(&generator) - 1) * bound)
    }
  }
}
