import Program

/// The phases that finish the gradients and update the weights, each rank its own shards.
extension PhasedTraining {
  /// What every update needs: how much to scale gradients by, and the step's learning rate.
  struct UpdateScalars {
    let gradientScale: TensorReference
    let schedule: TensorReference
  }

  /// The embedding's gradient never leaves the tiles: it is the last that the norm waits for.
  ///
  /// `tied` is what the head, or the decoder's embedding, has left for the same table.
  func embeddingBackwardAndOptimizer(tied: TensorID?, relative: Relative?) -> UpdateScalars {
    var scalars: UpdateScalars?
    phase("embedding_backward_optimizer") {
      let described = step.table.embedding
      var gradients = described.zeroed(step, except: .relativeBias)
      // A lookup's gradient needs no table, but the norm after it does.
      let weights = step.model.normPosition == .after ? load(described) : Weights()
      let embedding = Embedding(
        weights: weights, table: weights[.word] ?? gradients.required(.word), step: step)
      forEachMicroBatch { batch in
        let dX = step.loadActivation(dx, [0, batch], "d_x")
        let ids = step.hostLoad(TensorReference(host.inputIDs, [batch]))
        embedding.backward(dX, ids, into: gradients, gradients[.word])
      }
      gradients[.relativeBias] = relative?.gradient
      var shards = Weights<TensorReference>()
      for role in Role.allCases {
        guard let weight = described[role], let gradient = gradients[role] else { continue }
        let shard = step.reduce(weight, gradient)
        if role == .word, let tied { add(tied, to: shard) }
        step.emit(.sumOfSquares, [shard], into: [norm])
        shards[role] = shard
      }
      let finished = finishNorm()
      for (weight, shard) in zip(described.all, shards.all) {
        update(weight, gradient: shard, layer: nil, finished)
      }
      scalars = finished
    }
    guard let scalars else { preconditionFailure("a phase always runs its body") }
    return scalars
  }

  private func add(_ stored: TensorID, to shard: TensorReference) {
    let other = step.temporary("tied_gradient.shard", step.builder[shard].shape)
    step.emit(
      .load, [TensorReference(stored)], into: [other])
    step.emit(.add, [shard, other], into: [shard])
  }

  func decoderEmbeddingOptimizer(_ relative: Relative?, _ scalars: UpdateScalars) {
    guard let relative, let weight = step.table.decoderEmbedding[.relativeBias] else { return }
    phase("decoder_embedding_optimizer") {
      update(
        weight, gradient: step.reduce(weight, relative.gradient), layer: nil, scalars)
    }
  }

  func layersOptimizer(
    _ name: String, _ described: Weights<Weight>, _ scalars: UpdateScalars
  ) {
    forEachLayer { layer in
      phase(name) {
        for weight in described.all {
          update(weight, gradient: loadGradient(weight, layer), layer: layer, scalars)
        }
      }
    }
  }

  /// The reference's store graph of the head has the gradients in it too: they are stored back.
  func weightsOptimizer(
    _ name: String, _ described: Weights<Weight>, _ scalars: UpdateScalars,
    storesGradients: Bool = false
  ) {
    guard !described.all.isEmpty else { return }
    phase(name) {
      for weight in described.all {
        let gradient = loadGradient(weight, nil)
        update(weight, gradient: gradient, layer: nil, scalars)
        if storesGradients {
          step.store(gradient, into: step.stored(weight).gradient, of: weight)
        }
      }
    }
  }

  private func finishNorm() -> UpdateScalars {
    let total = step.allReduce(norm, "squared_norm.total", over: .all)
    let scale = step.temporary("gradient_scale", [1], .float32, differsOver: [])
    let gradientNorm = step.temporary("gradient_norm", [1], .float32, differsOver: [])
    step.emit(.gradientScale(clip: 1, lossScale: 1), [total], into: [scale, gradientNorm])
    step.emit(.hostStore, [gradientNorm], into: [host.gradientNorm])
    return UpdateScalars(gradientScale: scale, schedule: step.hostLoad(host.schedule))
  }

  private func loadGradient(_ weight: Weight, _ layer: Affine?) -> TensorReference {
    step.loadShard(step.stored(weight).gradient, of: weight, layer, ".gradient")
  }

  private func update(
    _ weight: Weight, gradient: TensorReference, layer: Affine?, _ scalars: UpdateScalars
  ) {
    let stored = step.stored(weight)
    let main = step.loadShard(stored.weight, of: weight, layer, "")
    let first = step.loadShard(stored.firstMoment, of: weight, layer, ".first_moment")
    let second = step.loadShard(stored.secondMoment, of: weight, layer, ".second_moment")
    step.emit(
      .adamW(Self.adamW),
      [main, gradient, first, second, scalars.gradientScale, scalars.schedule],
      into: [main, first, second])
    step.store(main, into: stored.weight, of: weight, layer: layer)
    step.store(first, into: stored.firstMoment, of: weight, layer: layer)
    step.store(second, into: stored.secondMoment, of: weight, layer: layer)
  }

  /// What the constants are does not matter for the time.
  private static let adamW = Operation.AdamW(
    beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0)
}

extension Weights<Weight> {
  /// Zeroed accumulators of all but one.
  fileprivate func zeroed(_ step: ModelWriter, except role: Role) -> Weights<TensorReference> {
    var others = self
    others[role] = nil
    return others.map(step.zeroGradient)
  }
}
