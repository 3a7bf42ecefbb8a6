import Program

/// Writes the Program of one IPU: weights, gradients and what waits for its backward pass stay on
/// the tiles.
struct PipelineWriter {
  let step: ModelWriter
  let share: IPUShare

  /// A weight on the tiles with its gradient, an instance for each layer.
  struct Resident {
    let described: Weight
    let weight: TensorID
    let gradient: TensorID
    let layers: Int
  }

  enum Part {
    case turn, closing
  }

  func write(_ parts: Set<Part>) {
    let attention = residents(of: .attention, layers: share.attentions)
    let feedForward = residents(of: .feedForward, layers: share.feedForwards)
    let embedding = share.hasEmbedding ? step.table.embedding.map { resident($0) } : Weights()
    let head = share.hasHead ? headResidents(embedding) : Weights()
    if parts.contains(.turn) {
      if share.hasEmbedding { embed(embedding) }
      layers(.attention, attention, count: share.attentions)
      layers(.feedForward, feedForward, count: share.feedForwards)
      if share.hasHead { self.head(head) }
    }
    guard parts.contains(.closing) else { return }
    var ofHead = head
    if share.hasEmbedding { ofHead[.word] = nil }
    PipelineUpdate(step: step)
      .write(attention.all + feedForward.all + embedding.all + ofHead.all)
  }
}

extension PipelineWriter {
  private func residents(of branch: Branch, layers: Int) -> Weights<Resident> {
    let roles: [Role] =
      branch == .attention
      ? [.normGain, .normBias, .qkv, .qkvBias, .attentionOutput, .attentionOutputBias]
      : [
        .feedForwardNormGain, .feedForwardNormBias, .feedForwardIn, .feedForwardInBias,
        .feedForwardOut, .feedForwardOutBias,
      ]
    var weights = Weights<Resident>()
    guard layers > 0 else { return weights }
    for role in roles {
      weights[role] = step.table.blocks[role].map { resident($0, layers: layers) }
    }
    return weights
  }

  private func resident(_ weight: Weight, layers: Int = 1) -> Resident {
    func declare(_ suffix: String) -> TensorID {
      step.builder.declare(
        weight.name + suffix, weight.shape, step.type, differsOver: .all, instances: [layers])
    }
    return Resident(
      described: weight, weight: declare(""), gradient: declare(".gradient"), layers: layers)
  }

  /// A tied head has the embedding's table, or a copy of it where the embedding is elsewhere.
  private func headResidents(_ embedding: Weights<Resident>) -> Weights<Resident> {
    var weights = step.table.head.map { resident($0) }
    if step.model.isHeadTied {
      weights[.word] = embedding[.word] ?? resident(step.table.embedding.required(.word))
    }
    return weights
  }

  private func references(
    _ residents: Weights<Resident>, _ layer: Affine = 0
  ) -> (weights: Weights<TensorReference>, gradients: Weights<TensorReference>) {
    (
      residents.map { TensorReference($0.weight, [layer]) },
      residents.map { TensorReference($0.gradient, [layer]) }
    )
  }

  /// One micro-batch forward, another one recomputed and backward.
  private func layers(_ branch: Branch, _ residents: Weights<Resident>, count: Int) {
    guard count > 0 else { return }
    // Inputs of the layers that wait for their backward pass; half of them in either kind of branch.
    let waiting = step.builder.declare(
      branch.name + ".waiting", step.activationShape, step.type, differsOver: .all,
      instances: [count, (share.inFlight + 1) / 2])
    step.builder.loop("layer", count: count) { layer in
      let (weights, gradients) = references(residents, layer)
      let block = Block(BlockInputs(weights: weights), branches: [branch], step)
      let input = TensorReference(waiting, [layer, 0])
      step.builder.phase("forward") { _ = block.forward(input) }
      step.builder.phase("backward") {
        let dY = step.temporary("d_y", step.activationShape, differsOver: .data)
        let into = BlockInputs(weights: gradients)
        _ = block.backward(dY, input: input, block.recompute(input), into: into)
      }
    }
  }

  private func embed(_ residents: Weights<Resident>) {
    let (weights, gradients) = references(residents)
    let embedding = Embedding(weights: weights, table: weights.required(.word), step: step)
    step.builder.phase("embedding") {
      // Ids, positions, segments and the mask (Graphcore examples, nlp/bert/popart).
      let inputs = ["ids", "positions", "segments", "mask"].map {
        step.hostLoad(TensorReference(step.hostTensor("host." + $0, [step.tokens], .int32)))
      }
      _ = embedding.forward(inputs[0])
      let dX = step.temporary("d_x", step.activationShape, differsOver: .data)
      embedding.backward(dX, inputs[0], into: gradients, gradients[.word])
    }
  }

  private func head(_ residents: Weights<Resident>) {
    let (weights, gradients) = references(residents)
    guard let projection = weights[.projection] ?? weights[.word] else {
      preconditionFailure("a head projects")
    }
    step.builder.phase("head") {
      let input = step.temporary("x", step.activationShape, differsOver: .data)
      let head = Head(weights: weights, projection: projection, step: step)
      let (logits, saved) = head.forward(input)
      let rows = step.builder[logits].rows
      let labels = step.hostLoad(
        TensorReference(step.hostTensor("host.labels", [rows], .int32)))
      let loss = head.crossEntropy(logits, labels)
      step.emit(
        .hostStore, [loss], into: [TensorReference(step.hostTensor("host.loss", [1], .float32))])
      _ = head.backward(
        logits, saved, into: gradients, gradients[.projection] ?? gradients[.word])
    }
  }
}
