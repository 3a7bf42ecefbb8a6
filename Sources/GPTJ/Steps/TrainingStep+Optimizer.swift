package import Configuration
import Program

/// The phases that finish the gradients and update the weights, each rank its own shards.
extension TrainingPhases {
  /// What every update needs: how much to scale gradients by, and the step's learning rate.
  struct UpdateScalars {
    let gradientScale: TensorReference
    let schedule: TensorReference
  }

  /// The embedding's gradient never leaves the tiles: it is the last that the norm waits for.
  func embeddingBackwardAndOptimizer() -> UpdateScalars {
    let builder = step.builder
    let parameter = step.parameters.embedding
    var scalars: UpdateScalars?
    builder.phase("embedding_backward_optimizer") {
      let gradient = step.zeroGradient(parameter)
      forEachMicroBatch { batch in
        let dX = step.loadActivation(dx, [0, batch], "d_x")
        dropout(0, batch)?.apply(dX, .embedding, step)
        let ids = step.hostLoad(TensorReference(host.inputIDs, [batch]))
        builder.emit(.embedBackward, [ids, dX], into: [gradient])
      }
      let shard = step.reduceGradient(parameter, gradient, norm: norm)
      let finished = finishNorm()
      update(parameter, gradient: shard, layer: nil, finished)
      scalars = finished
    }
    guard let scalars else { preconditionFailure("a phase always runs its body") }
    return scalars
  }

  func decoderOptimizer(_ scalars: UpdateScalars) {
    forEachLayer { layer in
      step.builder.phase("decoder_optimizer") {
        for parameter in step.parameters.trainedInLayer {
          update(parameter, gradient: loadGradient(parameter, layer), layer: layer, scalars)
        }
      }
    }
  }

  /// The reference's store graph of the head has the gradients in it too: they are stored back.
  func headOptimizer(_ scalars: UpdateScalars) {
    step.builder.phase("head_optimizer") {
      for parameter in step.parameters.head.all {
        let gradient = loadGradient(parameter, nil)
        update(parameter, gradient: gradient, layer: nil, scalars)
        step.store(gradient, into: step.stored(parameter).gradient, of: parameter)
      }
    }
  }

  func finishNorm() -> UpdateScalars {
    let builder = step.builder
    var total = step.allReduce(norm, "squared_norm.total", over: .all)
    total = step.allReduce(total, "squared_norm.of_stages", over: .pipeline)
    let scale = builder.temporary("gradient_scale", [1], .float32, differsOver: [])
    let gradientNorm = builder.temporary("gradient_norm", [1], .float32, differsOver: [])
    builder.emit(
      .gradientScale(clip: optimizer.gradientClipping, lossScale: lossScale), [total],
      into: [scale, gradientNorm])
    onStages(.first) { builder.emit(.hostStore, [gradientNorm], into: [host.gradientNorm]) }
    return UpdateScalars(gradientScale: scale, schedule: step.hostLoad(host.schedule))
  }

  func loadGradient(_ parameter: Parameter, _ layer: Affine?) -> TensorReference {
    step.loadShard(step.stored(parameter).gradient, of: parameter, layer, ".gradient")
  }

  func update(
    _ parameter: Parameter, gradient: TensorReference, layer: Affine?, _ scalars: UpdateScalars
  ) {
    let stored = step.stored(parameter)
    let loaded = step.loadShard(stored.weight, of: parameter, layer, "")
    let updatesSlice = step.holdsWholeWeights(parameter) && !step.holdsWholeState(parameter)
    let weight = updatesSlice ? step.slice(loaded, of: parameter) : loaded
    let first = step.loadShard(stored.firstMoment, of: parameter, layer, ".first_moment")
    let second = step.loadShard(stored.secondMoment, of: parameter, layer, ".second_moment")
    var adamW = optimizer.adamW
    if !parameter.isDecayed(excluding: optimizer.decayExclusions) { adamW.weightDecay = 0 }
    let low = stored.low.map { (id: $0, loaded: step.loadShard($0, of: parameter, layer, ".low")) }
    let lowOperand = low.map { [$0.loaded] } ?? []
    step.builder.emit(
      .adamW(adamW),
      [weight, gradient, first, second, scalars.gradientScale, scalars.schedule] + lowOperand,
      into: [weight, first, second] + lowOperand)
    let updated = updatesSlice ? step.gather(weight, of: parameter) : weight
    step.store(updated, into: stored.weight, of: parameter, layer: layer)
    step.store(first, into: stored.firstMoment, of: parameter, layer: layer)
    step.store(second, into: stored.secondMoment, of: parameter, layer: layer)
    if let low { step.store(low.loaded, into: low.id, of: parameter, layer: layer) }
  }
}

extension Parameter {
  /// Whether weight decay takes hold of it.
  package func isDecayed(
    excluding exclusions: OptimizerConfiguration.WeightDecayExclusions
  ) -> Bool {
    switch exclusions {
    case .biasesAndNorms: isDecayed
    case .biases: isDecayed || name.hasSuffix("norm.gain")
    case .none: true
    }
  }
}
