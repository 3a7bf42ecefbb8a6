import Program

/// What ends a pipeline's step: gradients summed over the replicas, each of which updates its shard
/// of every weight, and the new weights gathered (replicated tensor sharding).
struct PipelineUpdate {
  let step: ModelWriter

  func write(_ residents: [PipelineWriter.Resident]) {
    guard !residents.isEmpty else { return }
    step.builder.phase("update") {
      let schedule = step.hostLoad(
        TensorReference(step.hostTensor("host.update_schedule", [2], .float32)))
      let scale = step.temporary("gradient_scale", [1], .float32, differsOver: [])
      let total = step.temporary("squared_norm", [1], .float32, differsOver: [])
      step.emit(.zero, [], into: [total])
      step.emit(
        .gradientScale(clip: 1, lossScale: 1), [total],
        into: [scale, step.temporary("gradient_norm", [1], .float32, differsOver: [])])
      for resident in residents { update(resident, scale, schedule) }
    }
  }

  private func update(
    _ resident: PipelineWriter.Resident, _ scale: TensorReference, _ schedule: TensorReference
  ) {
    let count = resident.described.count.parts(step.plan.dataParallel)
    let moments = [".first_moment", ".second_moment"].map {
      step.builder.declare(
        resident.described.name + $0, [count], .float32,
        in: step.plan.isOptimizerStateStreamed ? .streaming : .sram, differsOver: .all,
        instances: [resident.layers])
    }
    step.builder.loop("layer", count: resident.layers) { layer in
      let weight = TensorReference(resident.weight, [layer])
      let gradient = TensorReference(resident.gradient, [layer])
      let own = shard(of: weight, gradient, count)
      let states = moments.map { load(TensorReference($0, [layer]), count) }
      // Trust ratios need the norms of the weight and of its update (You et al. 2020, LAMB).
      if step.plan.optimizer == .lamb {
        let norm = step.temporary("squared_norm", [1], .float32)
        for part in [own.weight, own.gradient] { step.emit(.sumOfSquares, [part], into: [norm]) }
      }
      step.emit(
        .adamW(Operation.AdamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0)),
        [own.weight, own.gradient, states[0], states[1], scale, schedule],
        into: [own.weight, states[0], states[1]])
      for (state, moment) in zip(states, moments) where step.plan.isOptimizerStateStreamed {
        step.emit(.store, [state], into: [TensorReference(moment, [layer])])
      }
      if step.isParallel(.data) {
        step.emit(.collective(.allGather, over: .data), [own.weight], into: [weight])
      }
      step.emit(.zero, [], into: [gradient])
    }
  }

  /// This replica's part of a weight, and of its gradient's sum.
  private func shard(
    of weight: TensorReference, _ gradient: TensorReference, _ count: Int
  ) -> (weight: TensorReference, gradient: TensorReference) {
    guard step.isParallel(.data) else { return (weight, gradient) }
    let ownWeight = step.temporary("weight.shard", [count])
    let ownGradient = step.temporary("gradient.shard", [count])
    step.emit(.slice(over: .data), [weight], into: [ownWeight])
    step.emit(.collective(.reduceScatter, over: .data), [gradient], into: [ownGradient])
    return (ownWeight, ownGradient)
  }

  private func load(_ moment: TensorReference, _ count: Int) -> TensorReference {
    guard step.plan.isOptimizerStateStreamed else { return moment }
    let state = step.temporary("moment", [count], .float32)
    step.emit(.load, [moment], into: [state])
    return state
  }
}
