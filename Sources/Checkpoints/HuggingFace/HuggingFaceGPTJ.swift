/// The tensors of Hugging Face's `GPTJForCausalLM`: their names and shapes.
///
/// A linear layer's weight is [outputs, inputs] and row-major, as in PyTorch. Attention has no
/// biases, the head has one. Older checkpoints also hold the buffers `attn.bias` (the causal mask)
/// and `attn.masked_bias` in each layer: readers pass over them, writers leave them out.
package enum HuggingFaceGPTJ {
  /// Names alone, in the order of `tensors`.
  package static func tensorNames(layers: Int) -> [String] {
    tensors(layers: layers, hidden: 1, inner: 1, vocabulary: 1).map(\.name)
  }

  /// Embedding, layers, final norm and head, in the model's own order (`state_dict()`).
  ///
  /// `inner` is the feed-forward width: `n_inner`, or 4 x `n_embd` where that is null.
  package static func tensors(
    layers: Int, hidden: Int, inner: Int, vocabulary: Int
  ) -> [TensorShape] {
    [TensorShape(name: "transformer.wte.weight", shape: [vocabulary, hidden])]
      + (0..<layers).flatMap { layer(at: $0, hidden: hidden, inner: inner) }
      + weightAndBias("transformer.ln_f", [hidden])
      + weightAndBias("lm_head", [vocabulary, hidden])
  }

  private static func layer(at index: Int, hidden: Int, inner: Int) -> [TensorShape] {
    let prefix = "transformer.h.\(index)"
    let projections = ["k_proj", "v_proj", "q_proj", "out_proj"].map {
      TensorShape(name: "\(prefix).attn.\($0).weight", shape: [hidden, hidden])
    }
    return weightAndBias("\(prefix).ln_1", [hidden]) + projections
      + weightAndBias("\(prefix).mlp.fc_in", [inner, hidden])
      + weightAndBias("\(prefix).mlp.fc_out", [hidden, inner])
  }

  /// A bias has one element per output, the first extent of its weight.
  private static func weightAndBias(_ prefix: String, _ shape: [Int]) -> [TensorShape] {
    [
      TensorShape(name: "\(prefix).weight", shape: shape),
      TensorShape(name: "\(prefix).bias", shape: [shape[0]]),
    ]
  }

  /// A name that another model, or a wrapper around this one, gives a tensor, and what that is.
  static func foreignLayout(of names: some Sequence<String>) -> (name: String, layout: String)? {
    let layouts: [(part: String, layout: String)] = [
      ("attn.c_attn.", "those of GPT-2"), ("gpt_neox.", "those of GPT-NeoX"),
      ("attn.attention.", "those of GPT-Neo"),
      ("lora_A.", "an adapter, which must be merged into its model first"),
      ("module.", "those of a parallel wrapper; save the module inside it"),
      ("score.weight", "a classifier"),
    ]
    let sorted = names.sorted()
    for (part, layout) in layouts {
      if let name = sorted.first(where: { $0.hasPrefix(part) || $0.contains("." + part) }) {
        return (name, layout)
      }
    }
    // The model without its head has no prefix.
    return sorted.contains("wte.weight")
      ? ("wte.weight", "those of GPTJModel, which has no head") : nil
  }
}

extension GPTJConfig {
  /// The tensors of this model, in its own order.
  package var tensors: [TensorShape] {
    HuggingFaceGPTJ.tensors(
      layers: layers, hidden: hidden, inner: 4 * hidden, vocabulary: vocabulary)
  }
}
