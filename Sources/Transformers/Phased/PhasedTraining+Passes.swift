import Program

/// Forward and backward through the layers.
extension PhasedTraining {
  func embeddingForward(_ name: String, row: Int) -> Relative? {
    var tables: Relative?
    phase(name) {
      step.emit(.zero, [], into: [norm])
      if step.plan.hasDropout || step.plan.hasAttentionDropout {
        step.emit(.hostLoad, [host.schedule], into: [step.schedule])
      }
      let weights = load(step.table.embedding)
      tables = relative(step.table.embedding, weights)
      let embedding = Embedding(weights: weights, table: weights.required(.word), step: step)
      forEachMicroBatch { batch in
        let ids = step.hostLoad(TensorReference(host.inputIDs, [batch]))
        step.storeActivation(embedding.forward(ids), x, [Affine(nil, row), batch])
      }
    }
    return tables
  }

  /// A stack's table of relative positions stays on the tiles for all of its layers.
  func relative(
    _ described: Weights<Weight>, _ weights: Weights<TensorReference>
  ) -> Relative? {
    guard let table = weights[.relativeBias], let weight = described[.relativeBias] else {
      return nil
    }
    return Relative(table: table, gradient: step.zeroGradient(weight))
  }

  /// `encoded` is the row of the encoder's output, which the unified block reads in both stacks.
  func stackForward(
    _ name: String, _ described: Weights<Weight>, rows: Int, encoded: Int?, relative: Relative?
  ) {
    forEachLayer { layer in
      phase(name) {
        let weights = load(described, layer: layer)
        forEachMicroBatch { batch in
          let input = step.loadActivation(x, [layer + rows, batch], "x")
          let inputs = BlockInputs(
            weights: weights, encoded: loadEncoded(encoded, batch), relativeBias: relative?.table)
          let output = Block(inputs, step).forward(input)
          step.storeActivation(output, x, [layer + (rows + 1), batch])
        }
      }
    }
  }

  private func loadEncoded(_ row: Int?, _ batch: Affine) -> TensorReference? {
    guard let row, let masks = encoded?.masks else { return nil }
    for _ in 0..<2 {
      let mask = step.temporary("mask", [step.tokens], differsOver: .data)
      step.emit(.load, [TensorReference(masks, [0, batch])], into: [mask])
    }
    return step.loadActivation(x, [Affine(nil, row), batch], "encoded")
  }

  /// Forward, loss and backward of the head in one phase: its weights are loaded only once.
  ///
  /// Returns where the gradient of a tied table is stored.
  func head(row: Int) -> TensorID? {
    var tied: TensorID?
    phase("head") {
      let described = step.table.head
      let weights = load(described)
      let table = step.table.embedding.required(.word)
      let projection = weights[.projection] ?? step.load(table)
      let gradients = described.map(step.zeroGradient)
      let dProjection = gradients[.projection] ?? step.zeroGradient(table)
      let head = Head(weights: weights, projection: projection, step: step)
      forEachMicroBatch { batch in
        let input = step.loadActivation(x, [Affine(nil, row), batch], "x")
        let labels = step.hostLoad(TensorReference(host.labels, [batch]))
        let (logits, saved) = head.forward(input)
        let loss = head.crossEntropy(logits, labels)
        step.emit(.hostStore, [loss], into: [TensorReference(host.loss, [batch])])
        let dX = head.backward(logits, saved, into: gradients, dProjection)
        step.storeActivation(dX, dx, [Affine(nil, row), batch])
      }
      storeGradients(described, gradients)
      guard step.model.isHeadTied else { return }
      let shard = step.reduce(table, dProjection)
      tied = step.builder.declare(
        "tied_gradient", step.builder[shard].shape, step.type, in: .streaming, differsOver: .all)
      if let tied { step.emit(.store, [shard], into: [TensorReference(tied)]) }
    }
    return tied
  }

  func stackBackward(
    _ name: String, _ described: Weights<Weight>, rows: Int, isDecoder: Bool, relative: Relative?
  ) {
    let encodedRow = encoded == nil ? nil : step.model.layers + 1
    forEachLayer(descending: true) { layer in
      phase(name) {
        let weights = load(described, layer: layer)
        let gradients = described.map(step.zeroGradient)
        forEachMicroBatch { batch in
          let input = step.loadActivation(x, [layer + rows, batch], "x")
          let inputs = BlockInputs(
            weights: weights, encoded: loadEncoded(encodedRow, batch),
            relativeBias: relative?.table)
          let dY = step.loadActivation(dx, [layer + (rows + 1), batch], "d_y")
          let block = Block(inputs, step)
          let saved = block.recompute(input)
          let into = BlockInputs(
            weights: gradients, encoded: nil, relativeBias: relative?.gradient)
          let (dX, dEncoded) = block.backward(dY, input: input, saved, into: into)
          step.storeActivation(dX, dx, [layer + rows, batch])
          // The encoder's own is stored too, where nothing will read it.
          if let dEncoded, let buffer = encoded?.gradients {
            step.storeActivation(dEncoded, buffer, [isDecoder ? layer : 0, batch])
          }
        }
        storeGradients(described, gradients, layer: layer)
      }
    }
  }
}

/// What only an encoder-decoder has.
extension PhasedTraining {
  /// Both masks of every micro-batch, once a step.
  func storeMasks() {
    guard let encoded else { return }
    let source = step.hostTensor("host.masks", [step.tokens], step.type, eachMicroBatch: true)
    phase("masks") {
      forEachMicroBatch { batch in
        for row in 0..<2 {
          let mask = step.hostLoad(TensorReference(source, [batch]))
          step.emit(
            .store, [mask], into: [TensorReference(encoded.masks, [Affine(nil, row), batch])])
        }
      }
    }
  }

  func encoderHeadForward() {
    let layers = step.model.layers
    phase("encoder_head_forward") {
      let norm = Norm(load(step.table.encoderHead), .normGain, .normBias)
      forEachMicroBatch { batch in
        let input = step.loadActivation(x, [Affine(nil, layers), batch], "x")
        let output = norm.forward(input, "norm", step).y
        step.storeActivation(output, x, [Affine(nil, layers + 1), batch])
      }
    }
  }

  func decoderEmbeddingForward() -> Relative? {
    guard let encoded else { return nil }
    var tables: Relative?
    phase("decoder_embedding_forward") {
      let weights = load(step.table.decoderEmbedding)
      tables = relative(step.table.decoderEmbedding, weights)
      let table = step.load(step.table.embedding.required(.word))
      let embedding = Embedding(weights: Weights(), table: table, step: step)
      forEachMicroBatch { batch in
        let ids = step.hostLoad(TensorReference(encoded.decoderIDs, [batch]))
        step.storeActivation(
          embedding.forward(ids), x, [Affine(nil, step.model.layers + 2), batch])
      }
    }
    return tables
  }

  /// The table's gradient from the decoder's ids, kept until the encoder's has been summed.
  func decoderEmbeddingBackward() {
    guard let encoded else { return }
    let word = step.table.embedding.required(.word)
    phase("decoder_embedding_backward") {
      let table = step.load(word)
      let gradient = step.zeroGradient(word)
      let embedding = Embedding(weights: Weights(), table: table, step: step)
      forEachMicroBatch { batch in
        let dX = step.loadActivation(dx, [Affine(nil, step.model.layers + 2), batch], "d_x")
        let ids = step.hostLoad(TensorReference(encoded.decoderIDs, [batch]))
        embedding.backward(dX, ids, into: Weights(), gradient)
      }
      let shard = step.reduce(word, gradient)
      step.emit(.store, [shard], into: [TensorReference(encoded.tableGradient)])
    }
  }

  /// Slice by slice, from all decoder layers, ungathered.
  func sumEncodedGradients() {
    guard let encoded else { return }
    phase("encoder_gradient_sum") {
      forEachMicroBatch { batch in
        let target = TensorReference(dx, [Affine(nil, step.model.layers + 1), batch])
        let sum = step.temporary("sum", step.builder[target].shape)
        step.emit(.zero, [], into: [sum])
        forEachLayer { layer in
          let source = TensorReference(encoded.gradients, [layer, batch])
          let part = step.temporary("part", step.builder[source].shape)
          step.emit(.load, [source], into: [part])
          step.emit(.add, [sum, part], into: [sum])
        }
        step.emit(.store, [sum], into: [target])
      }
    }
  }

  func encoderHeadBackward() {
    let layers = step.model.layers
    phase("encoder_head_backward") {
      let described = step.table.encoderHead
      let norm = Norm(load(described), .normGain, .normBias)
      let gradients = described.map(step.zeroGradient)
      forEachMicroBatch { batch in
        let input = step.loadActivation(x, [Affine(nil, layers), batch], "x")
        let dY = step.loadActivation(dx, [Affine(nil, layers + 1), batch], "d_y")
        let stats = norm.forward(input, "norm", step).stats
        let dX = norm.backward(
          dY, input: input, stats: stats, into: gradients, .normGain, .normBias, "d_x", step)
        step.storeActivation(dX, dx, [Affine(nil, layers), batch])
      }
      storeGradients(described, gradients)
    }
  }
}
