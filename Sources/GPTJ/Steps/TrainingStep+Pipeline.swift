import Program

// A stage keeps its layers on the tiles for the whole step. Its micro-batches go through one by one:
// some forward to begin with, then one forward and one backward in turn, then the rest backward.
// Source: PipeDream-Flush, "1F1B" (Narayanan et al. 2021, section 2.2.1).

extension StepWriter {
  /// The first of a stage's layers.
  var firstLayer: StageNumber { StageNumber(base: 0, perStage: layers, limit: model.layers) }

  /// Micro-batches that go forward before the first comes back: one for each stage behind.
  var warmUp: StageNumber {
    StageNumber(
      base: plan.pipelineParallel - 1, perStage: -1, limit: plan.gradientAccumulation)
  }

  /// The other micro-batches: each goes forward beside another that comes back.
  var steady: StageNumber {
    let batches = plan.gradientAccumulation
    return StageNumber(
      base: batches - plan.pipelineParallel + 1, perStage: 1, limit: batches)
  }

  /// Micro-batches in flight at once.
  var inFlight: StageNumber {
    StageNumber(base: plan.pipelineParallel, perStage: -1, limit: plan.gradientAccumulation)
  }

  /// The most that any stage has in flight: the first.
  var slots: Int { inFlight.value(on: 0) }

  /// Where a micro-batch stands in a ring of those in flight.
  func slot(_ batch: Affine) -> Affine {
    Affine(batch.variable, batch.constant, offset: batch.offset, modulus: inFlight)
  }

  /// A residual stream on the tiles, or so many of them: whole on every rank of a tensor-parallel
  /// group, or each rank's own rows.
  func residual(_ name: String, instances: [Int] = []) -> TensorID {
    builder.declare(
      name, [shardsSequence ? tokens / plan.tensorParallel : tokens, model.hiddenSize], type,
      differsOver: shardsSequence ? .all : .data, instances: instances)
  }

  /// What goes into each of a stage's layers, and out of the last, of every micro-batch in flight.
  func residualRing(_ name: String) -> TensorID {
    residual(name, instances: [layers + 1, slots])
  }
}

/// What a neighbour fills while this stage still works on what came before: two residual streams.
private struct Mailbox {
  private let tensor: TensorID
  private let places: Int

  init(_ name: String, _ step: StepWriter) {
    places = min(2, step.plan.gradientAccumulation)
    tensor = step.residual(name, instances: [places])
  }

  subscript(batch: Affine) -> TensorReference {
    let ring = StageNumber(base: places, perStage: 0, limit: places)
    return TensorReference(
      tensor, [Affine(batch.variable, batch.constant, offset: batch.offset, modulus: ring)])
  }
}

/// What a stage keeps on its tiles from its first micro-batch to its last.
private struct Resident {
  let block: Block<TensorID>
  let adapters: Adapters<TensorID>
  let blockGradients: Block<TensorID>?
  let adapterGradients: Adapters<TensorID>
  var embedding: (table: TensorReference, gradient: TensorReference?)?
  var head: (weights: Head<TensorReference>, gradients: Head<TensorReference>?)?
  let activations: Mailbox
  let gradients: Mailbox

  init(_ step: StepWriter, trainsWeights: Bool) {
    func declare(_ parameter: Parameter) -> TensorID {
      step.builder.declare(
        parameter.name, parameter.shape,
        step.typeOnTiles(of: step.stored(parameter).weight), differsOver: parameter.differsOver,
        instances: [step.layers])
    }
    func gradient(_ parameter: Parameter) -> TensorID {
      step.declareGradient(parameter, instances: [step.layers])
    }
    block = step.parameters.block.map(declare)
    adapters = step.parameters.adapters.map(declare)
    blockGradients = trainsWeights ? step.parameters.block.map(gradient) : nil
    adapterGradients = step.parameters.adapters.map(gradient)
    activations = Mailbox("mailbox.x", step)
    gradients = Mailbox("mailbox.dx", step)
  }

  func layer(_ layer: Affine, _ step: StepWriter) -> TransformerBlock {
    TransformerBlock(
      block.map { TensorReference($0, [layer]) },
      step.updates(
        adapters.map { TensorReference($0, [layer]) },
        adapterGradients.map { TensorReference($0, [layer]) }))
  }
}

extension TrainingPhases {
  func writePipeline() {
    let resident = loadStage()
    let builder = step.builder
    builder.loop("warm_up", countByStage: step.warmUp) { forward($0, resident) }
    builder.loop("steady", countByStage: step.steady) { turn in
      forward(Affine(turn.variable, offset: step.warmUp), resident)
      backward(turn, resident)
    }
    builder.loop("cool_down", countByStage: step.warmUp) { turn in
      backward(Affine(turn.variable, offset: step.steady), resident)
    }
    let scalars = reduceGradients(resident)
    decoderOptimizer(scalars)
    guard trainsWeights else { return }
    builder.only(.first) { embeddingOptimizer(scalars) }
    builder.only(.last) { headOptimizer(scalars) }
  }

  /// What only some stages run; everything where there is no pipeline.
  func onStages(_ stages: StageSet, _ body: () -> Void) {
    step.isPipelined ? step.builder.only(stages, body) : body()
  }

  private func loadStage() -> Resident {
    let builder = step.builder
    var loaded: Resident?
    builder.phase("stage_load") {
      builder.emit(.zero, [], into: [norm])
      loadDropoutSchedule()
      var resident = Resident(step, trainsWeights: trainsWeights)
      builder.only(.first) {
        let parameter = step.parameters.embedding
        resident.embedding = (
          step.load(parameter), trainsWeights ? step.zeroGradient(parameter) : nil
        )
      }
      builder.only(.last) {
        let parameters = step.parameters.head
        resident.head = (
          parameters.map { step.load($0) },
          trainsWeights ? parameters.map(step.zeroGradient) : nil
        )
      }
      forEachLayer { layer in
        let parameters = step.parameters.block.all + step.parameters.adapters.all
        for (parameter, tensor) in zip(parameters, resident.block.all + resident.adapters.all) {
          step.load(parameter, layer: layer, into: TensorReference(tensor, [layer]))
        }
        for gradient in (resident.blockGradients?.all ?? []) + resident.adapterGradients.all {
          builder.emit(.zero, [], into: [TensorReference(gradient, [layer])])
        }
      }
      loaded = resident
    }
    guard let loaded else { preconditionFailure("a phase always runs its body") }
    return loaded
  }

  /// One micro-batch through a stage's layers, and on to the next stage.
  private func forward(_ batch: Affine, _ resident: Resident) {
    let builder = step.builder
    let slot = step.slot(batch)
    func x(_ layer: Affine) -> TensorReference { TensorReference(self.x, [layer, slot]) }
    builder.phase("stage_forward") {
      builder.only(.first) { embed(batch, into: x(0), resident) }
      builder.only(.allButFirst) {
        builder.emit(.receive(.previous), [resident.activations[batch]], into: [x(0)])
      }
      forEachLayer { layer in
        let (_, activations) = resident.layer(layer, step).forward(
          x(layer), into: x(layer + 1), dropout: dropout(layer, batch), step)
        saved?.store(activations, [layer, slot], step)
      }
      builder.only(.allButLast) {
        builder.emit(
          .send(.next), [x(Affine(nil, step.layers))], into: [resident.activations[batch]])
      }
    }
  }

  private func embed(_ batch: Affine, into x: TensorReference, _ resident: Resident) {
    guard let table = resident.embedding?.table else { return }
    let ids = step.hostLoad(TensorReference(host.inputIDs, [batch]))
    let embedded = VocabParallelEmbedding(table: table).forward(ids, step)
    dropout(0, batch)?.apply(embedded, .embedding, step)
    step.builder.emit(.copy, [embedded], into: [x])
  }

  /// One micro-batch's gradient back through a stage's layers, and on to the stage before.
  private func backward(_ batch: Affine, _ resident: Resident) {
    let builder = step.builder
    let slot = step.slot(batch)
    let dX = TensorReference(dx)
    builder.phase("stage_backward") {
      builder.only(.last) {
        head(batch, TensorReference(x, [Affine(nil, step.layers), slot]), into: dX, resident)
      }
      builder.only(.allButLast) {
        builder.emit(.receive(.next), [resident.gradients[batch]], into: [dX])
      }
      forEachLayer(descending: true) { layer in
        let input = TensorReference(x, [layer, slot])
        let block = resident.layer(layer, step)
        let dropout = dropout(layer, batch)
        let activations =
          saved?.load(input, block, [layer, slot], step)
          ?? block.recompute(input, dropout: dropout, step)
        _ = block.backward(
          dX, input: input, activations,
          into: resident.blockGradients?.map { TensorReference($0, [layer]) }, dX,
          dropout: dropout, step)
      }
      if trainsWeights { builder.only(.first) { embeddingBackward(batch, dX, resident) } }
      builder.only(.allButFirst) {
        builder.emit(.send(.previous), [dX], into: [resident.gradients[batch]])
      }
    }
  }

  /// Forward, loss and backward of the head.
  private func head(
    _ batch: Affine, _ input: TensorReference, into dX: TensorReference, _ resident: Resident
  ) {
    guard let (weights, gradients) = resident.head else { return }
    let head = VocabParallelHead(weights)
    let labels = step.hostLoad(TensorReference(host.labels, [batch]))
    let dInput = head.train(
      input, labels: labels, loss: TensorReference(host.loss, [batch]), scale: lossGradient,
      into: gradients, step)
    step.builder.emit(.copy, [dInput], into: [dX])
  }

  private func embeddingBackward(_ batch: Affine, _ dX: TensorReference, _ resident: Resident) {
    guard let gradient = resident.embedding?.gradient else { return }
    let whole = step.whole(dX, "d_x.whole")
    dropout(0, batch)?.apply(whole, .embedding, step)
    let ids = step.hostLoad(TensorReference(host.inputIDs, [batch]))
    step.builder.emit(.embedBackward, [ids, whole], into: [gradient])
  }

  /// Sums every gradient over the replicas, and their norm over the stages.
  private func reduceGradients(_ resident: Resident) -> UpdateScalars {
    let parameters = step.parameters
    var scalars: UpdateScalars?
    step.builder.phase("gradient_reduction") {
      forEachLayer { layer in
        let gradients = resident.blockGradients?.all ?? resident.adapterGradients.all
        for (parameter, gradient) in zip(parameters.trainedInLayer, gradients) {
          storeGradient(parameter, TensorReference(gradient, [layer]), layer: layer)
        }
      }
      if let gradient = resident.embedding?.gradient {
        step.builder.only(.first) { storeGradient(parameters.embedding, gradient, layer: nil) }
      }
      if let gradients = resident.head?.gradients {
        step.builder.only(.last) {
          for (parameter, gradient) in zip(parameters.head.all, gradients.all) {
            storeGradient(parameter, gradient, layer: nil)
          }
        }
      }
      scalars = finishNorm()
    }
    guard let scalars else { preconditionFailure("a phase always runs its body") }
    return scalars
  }

  private func embeddingOptimizer(_ scalars: UpdateScalars) {
    step.builder.phase("embedding_optimizer") {
      let parameter = step.parameters.embedding
      update(parameter, gradient: loadGradient(parameter, nil), layer: nil, scalars)
    }
  }
}

extension StepWriter {
  /// Brings a rank's whole part of a parameter to its place on the tiles.
  fileprivate func load(_ parameter: Parameter, layer: Affine, into place: TensorReference) {
    let source = TensorReference(stored(parameter).weight, indices(parameter, layer))
    guard !holdsWholeWeights(parameter) else {
      builder.emit(.load, [source], into: [place])
      return
    }
    let weight = stored(parameter).weight
    let shard = loadShard(weight, of: parameter, layer, "", as: typeOnTiles(of: weight))
    builder.emit(.collective(.allGather, over: parameter.shardingGroup), [shard], into: [place])
  }
}
