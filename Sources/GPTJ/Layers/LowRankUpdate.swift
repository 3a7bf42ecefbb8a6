import Configuration
import Program

// Shapes: T tokens, C input columns, R output rows, r rank; `l` marks one rank's part.

/// What an adapter adds to its layer, and where its gradients go.
///
/// The same arithmetic serves both kinds of layer. Column-parallel: x is whole, so `A x` is whole and
/// `B A x` the rank's own. Row-parallel: `Al xl` is a partial sum, and so is `B Al xl`, which the
/// layer's own all-reduce completes. Backward the replicated matrix of the two gets a partial
/// gradient, summed over the group once a step (`Parameter.hasPartialGradient`).
struct LowRankUpdate {
  let a: TensorReference
  let b: TensorReference
  let scale: Double
  /// Where its outputs begin in the layer's: behind q for k, for example.
  let firstColumn: Int
  /// Accumulators of A's and B's gradients, in the backward phase.
  let gradients: (a: TensorReference, b: TensorReference)?

  /// y (T, Rl) += scale B (A x).
  func add(_ x: TensorReference, to y: TensorReference, _ name: String, _ step: StepWriter) {
    let product = step.product(
      down(x, name, step), b, transposeB: true, name + ".lora_update")
    step.builder.emit(
      .addScaledColumns(factor: scale, first: firstColumn), [y, product], into: [y])
  }

  /// Accumulates both gradients and adds the adapter's part to dx (T, C).
  ///
  /// `A x` is computed again rather than kept: it costs r / R of the layer itself.
  func backward(
    _ dy: TensorReference, input x: TensorReference, addingTo dx: TensorReference,
    _ name: String, _ step: StepWriter
  ) {
    guard let gradients else { preconditionFailure("an adapter is trained in its backward phase") }
    let builder = step.builder
    let dUpdate = builder.temporary(
      name + ".lora_update", [builder[dy].rows, builder[b].rows], step.type,
      differsOver: builder[dy].differsOver)
    builder.emit(.scaledColumns(factor: scale, first: firstColumn), [dy], into: [dUpdate])
    step.accumulateWeightGradient(dUpdate, down(x, name, step), into: gradients.b)
    let dDown = step.product(dUpdate, b, transposeB: false, name + ".d_lora_down")
    step.accumulateWeightGradient(dDown, x, into: gradients.a)
    builder.emit(
      .matmul(transposeA: false, transposeB: false, accumulate: true), [dDown, a], into: [dx])
  }

  /// A x (T, r).
  private func down(
    _ x: TensorReference, _ name: String, _ step: StepWriter
  ) -> TensorReference {
    step.product(x, a, transposeB: true, name + ".lora_down")
  }
}

extension StepWriter {
  /// A layer's adapters on the tiles, each under its target; `gradients` in the backward phase.
  func loadAdapters(
    _ layer: Affine, _ gradients: Adapters<TensorReference>? = nil
  ) -> [LoRA.Target: LowRankUpdate] {
    updates(parameters.adapters.map { load($0, layer: layer) }, gradients)
  }

  /// The same of matrices that are on the tiles already.
  func updates(
    _ matrices: Adapters<TensorReference>, _ gradients: Adapters<TensorReference>?
  ) -> [LoRA.Target: LowRankUpdate] {
    guard let lora else { return [:] }
    var updates: [LoRA.Target: LowRankUpdate] = [:]
    for (index, pair) in matrices.pairs.enumerated() {
      let width = model.hiddenSize / plan.tensorParallel
      updates[pair.target] = LowRankUpdate(
        a: pair.a, b: pair.b, scale: lora.scale, firstColumn: pair.target.partOfQKV * width,
        gradients: gradients.map { ($0.pairs[index].a, $0.pairs[index].b) })
    }
    return updates
  }

  /// x W, or x Wᵀ.
  ///
  /// Every rank computes its own, also where a tensor group's would be equal: a product shared out
  /// over other rows may have other bits.
  fileprivate func product(
    _ x: TensorReference, _ weight: TensorReference, transposeB: Bool, _ name: String
  ) -> TensorReference {
    let columns = transposeB ? builder[weight].rows : builder[weight].columns
    let y = builder.temporary(
      name, [builder[x].rows, columns], type, differsOver: .all)
    builder.emit(
      .matmul(transposeA: false, transposeB: transposeB, accumulate: false), [x, weight], into: [y])
    return y
  }
}
