import Configuration

/// One value for each of a layer's adapter matrices, in the order of the model.
package struct Adapters<Value> {
  package struct Pair {
    package let target: LoRA.Target
    /// Of A (rank, in).
    package let a: Value
    /// Of B (out, rank).
    package let b: Value
  }

  package let pairs: [Pair]

  package var isEmpty: Bool { pairs.isEmpty }
  package var all: [Value] { pairs.flatMap { [$0.a, $0.b] } }

  package func map<Other>(_ transform: (Value) -> Other) -> Adapters<Other> {
    Adapters<Other>(
      pairs: pairs.map {
        Adapters<Other>.Pair(target: $0.target, a: transform($0.a), b: transform($0.b))
      })
  }
}

extension Adapters<Parameter> {
  /// The matrices of every layer of a model split over `tensorParallel` ranks.
  init(_ lora: LoRA?, _ model: GPTJModel, tensorParallel: Int) {
    guard let lora else {
      pairs = []
      return
    }
    pairs = lora.targets.map { target in
      let (inputs, outputs) = target.size(in: model)
      let isColumn = target.isColumnParallel
      func make(_ name: String, _ full: [Int], _ split: Parameter.Partition) -> Parameter {
        Parameter(adapter: name, of: target, full, split, tensorParallel: tensorParallel)
      }
      return Pair(
        target: target,
        a: make("lora_A", [lora.rank, inputs], isColumn ? .replicated : .columns),
        b: make("lora_B", [outputs, lora.rank], isColumn ? .rows : .replicated))
    }
  }
}

extension Parameter {
  fileprivate init(
    adapter name: String, of target: LoRA.Target, _ full: [Int], _ partition: Partition,
    tensorParallel: Int
  ) {
    let shape =
      switch partition {
      case .replicated: full
      case .rows: [full[0] / tensorParallel, full[1]]
      case .columns: [full[0], full[1] / tensorParallel]
      }
    self.init(
      name: "layer.\(target.rawValue).\(name).weight",
      huggingFaceNames: ["\(target.huggingFaceStem).\(name).weight"], fullShape: full,
      partition: partition, shape: shape, isPerLayer: true, isDecayed: true,
      hasPartialGradient: partition == .replicated)
  }
}
