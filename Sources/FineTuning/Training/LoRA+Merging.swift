import Configuration
package import GPTJ

extension LoRA {
  /// Whether a tensor's Hugging Face name is one of an adapter's.
  package static func isAdapter(_ name: String) -> Bool {
    name.hasSuffix(".lora_A.weight") || name.hasSuffix(".lora_B.weight")
  }

  /// The names of the adapter of a weight matrix, such as `transformer.h.0.attn.q_proj.weight`; nil
  /// for one that has none.
  package func adapterNames(ofWeight name: String) -> (a: String, b: String)? {
    let parts = name.split(separator: ".")
    guard parts.count == 6, parts[5] == "weight", let target = Target(rawValue: String(parts[4])),
      targets.contains(target)
    else { return nil }
    let stem = parts[..<5].joined(separator: ".")
    return (stem + ".lora_A.weight", stem + ".lora_B.weight")
  }

  /// W (out, in) + scale B A, as peft merges: the product first, then its factor.
  ///
  /// Cost: out x in x rank multiply-adds on one core.
  package func merged(_ weight: [Float], a: [Float], b: [Float]) -> [Float] {
    let (outputs, inputs) = (b.count / rank, a.count / rank)
    precondition(
      weight.count == outputs * inputs, "\(weight.count) weights, \(outputs) x \(inputs)")
    let factor = Float(scale)
    var merged = weight
    var update = [Float](repeating: 0, count: inputs)
    // Pointers, so that the inner loops are vector code.
    merged.withUnsafeMutableBufferPointer { merged in
      a.withUnsafeBufferPointer { a in
        update.withUnsafeMutableBufferPointer { update in
          for output in 0..<outputs {
            update.update(repeating: 0)
            for column in 0..<rank {
              let value = b[output * rank + column]
              for index in 0..<inputs { update[index] += value * a[column * inputs + index] }
            }
            for index in 0..<inputs { merged[output * inputs + index] += factor * update[index] }
          }
        }
      }
    }
    return merged
  }
}
