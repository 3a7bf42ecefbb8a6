package import Configuration

/// Low-rank adapters beside frozen weights.
///
/// `y = W x + (alpha / rank) B (A x)` (Hu et al. 2021, "LoRA").
/// A is (rank, in) and B (out, rank), as in peft. Where a layer is column-parallel, A is replicated
/// and B split by rows; where it is row-parallel, A is split by columns and B replicated.
package struct LoRA: Sendable, Equatable {
  package typealias Target = LoRAConfiguration.Target

  package var rank: Int
  package var alpha: Double
  /// In the order of the model, each once.
  package var targets: [Target]
  /// Whether the frozen matrices rest in streaming memory as bfloat16, where the step's own type is
  /// wider; they are widened when they are loaded.
  package var storesFrozenAsBFloat16: Bool

  package init(
    rank: Int, alpha: Double, targets: [Target], storesFrozenAsBFloat16: Bool = false
  ) {
    precondition(rank > 0 && !targets.isEmpty, "adapters have a rank and a place")
    self.rank = rank
    self.alpha = alpha
    self.targets = Target.allCases.filter(targets.contains)
    self.storesFrozenAsBFloat16 = storesFrozenAsBFloat16
  }

  /// Nil where the configuration trains the weights themselves.
  package init?(_ configuration: LoRAConfiguration) {
    guard configuration.isOn, !configuration.targets.isEmpty else { return nil }
    self.init(
      rank: configuration.rank, alpha: configuration.alpha, targets: configuration.targets,
      storesFrozenAsBFloat16: configuration.frozenPrecision == .bfloat16)
  }

  /// What B A is multiplied by.
  package var scale: Double { alpha / Double(rank) }

  /// Numbers of all adapters of a model: rank x (in + out) for every target and layer.
  package func parameterCount(of model: GPTJModel) -> Int {
    targets.reduce(0) { count, target in
      let (inputs, outputs) = target.size(in: model)
      return count + model.layers * rank * (inputs + outputs)
    }
  }
}

extension LoRA.Target {
  /// The full layer's features.
  package func size(in model: GPTJModel) -> (inputs: Int, outputs: Int) {
    switch self {
    case .query, .key, .value, .output: (model.hiddenSize, model.hiddenSize)
    case .feedForwardIn: (model.hiddenSize, model.feedForwardSize)
    case .feedForwardOut: (model.feedForwardSize, model.hiddenSize)
    }
  }

  /// Whether its outputs are split over the ranks, rather than its inputs.
  package var isColumnParallel: Bool {
    switch self {
    case .query, .key, .value, .feedForwardIn: true
    case .output, .feedForwardOut: false
    }
  }

  /// Of a weight matrix in a Hugging Face checkpoint, `.weight` left out, `N` standing for the layer.
  package var huggingFaceStem: String {
    switch self {
    case .query, .key, .value, .output: "transformer.h.N.attn.\(rawValue)"
    case .feedForwardIn, .feedForwardOut: "transformer.h.N.mlp.\(rawValue)"
    }
  }

  /// Which third of the fused query, key and value it is; 0 for the others.
  var partOfQKV: Int {
    switch self {
    case .key: 1
    case .value: 2
    default: 0
    }
  }
}
