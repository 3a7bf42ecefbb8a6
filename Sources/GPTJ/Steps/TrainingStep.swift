package import Configuration
package import Program

/// One optimizer step of GPT-J as the reference runs it: in phases from streaming memory, each
/// layer loaded once for all micro-batches (Graphcore examples, nlp/gpt_j/popxl).
package struct TrainingStep {
  package var model: GPTJModel
  package var plan: ParallelPlan
  package var optimizer: Optimizer
  /// Factor on the loss whose inverse is applied to the gradients.
  package var lossScale: Double
  /// Element type of weights, gradients and activations; moments are float32 always.
  package var elementType: ElementType
  /// Adapters to train instead of the weights, if any.
  package var lora: LoRA?

  /// Nil for none: the Program then has no trace of it.
  package var dropout: Dropout?

  /// How likely an element is dropped, at every place, and what its random numbers start from.
  package struct Dropout: Sendable, Equatable {
    package var probability: Double
    package var seed: Int

    package init(probability: Double, seed: Int) {
      self.probability = probability
      self.seed = seed
    }
  }

  /// AdamW's constants and the global norm to which gradients are clipped.
  package struct Optimizer: Sendable, Equatable {
    package var adamW: Operation.AdamW
    package var gradientClipping: Double
    /// Whom `adamW.weightDecay` leaves alone.
    package var decayExclusions: OptimizerConfiguration.WeightDecayExclusions

    package init(
      adamW: Operation.AdamW, gradientClipping: Double,
      decayExclusions: OptimizerConfiguration.WeightDecayExclusions = .biasesAndNorms
    ) {
      self.adamW = adamW
      self.gradientClipping = gradientClipping
      self.decayExclusions = decayExclusions
    }
  }

  package init(
    model: GPTJModel, plan: ParallelPlan, optimizer: Optimizer, lossScale: Double = 1,
    elementType: ElementType, dropout: Dropout? = nil, lora: LoRA? = nil
  ) {
    self.model = model
    self.plan = plan
    self.optimizer = optimizer
    self.lossScale = lossScale
    self.elementType = elementType
    self.dropout = dropout
    self.lora = lora
  }

  /// Names of the host tensors that a step reads and writes.
  package enum HostTensor {
    /// int32 (T), one instance for each micro-batch; as `labels`.
    package static let inputIDs = "host.input_ids"
    package static let labels = "host.labels"
    /// float32 (2): learning rate and the step's number, from 1.
    package static let schedule = "host.schedule"
    /// float32 (1), one instance for each micro-batch.
    package static let loss = "host.loss"
    /// float32 (1): the global norm before clipping.
    package static let gradientNorm = "host.gradient_norm"
  }

  /// Model FLOPs of one step; see `GPTJModel.modelFlops`.
  package func modelFlops(tokens: Int) -> Int {
    lora.map { model.modelFlops(tokens: tokens, $0) } ?? model.modelFlops(tokens: tokens)
  }

  /// What of a step is written; only the whole of it can be run, and parts are for timing.
  package enum Part: Sendable {
    case whole
    /// All but the loops over micro-batches.
    case once
    /// At least these loops.
    case microBatches
  }

  /// Writes the Program.
  ///
  /// Cost: a few hundred statements, whatever the model's and plan's sizes; of a part fewer.
  ///
  /// - Throws: `PlanError` where the plan cannot split the model.
  package func program(_ part: Part = .whole) throws(PlanError) -> Program {
    precondition(
      part == .whole || plan.pipelineParallel == 1, "stages have all their work in turns")
    if let reason = plan.illegality(for: model) { throw reason }
    let step = StepWriter(
      name: "training_step", model: model, plan: plan, type: elementType, lora: lora)
    step.declareStorage(training: true)
    let phases = TrainingPhases(
      step: step, optimizer: optimizer, lossScale: lossScale, dropout: dropout,
      part: part)
    if step.isPipelined { phases.writePipeline() } else { phases.write() }
    return rewritten(step.builder.build())
  }

  /// The rewrites that leave every shape as it is.
  private func rewritten(_ program: Program) -> Program {
    let rewrites = plan.rewrites
    var program = program
    if rewrites.overlapsIO { program = program.overlappingIO(ofLoops: TrainingPhases.microBatches) }
    if rewrites.hasSinglePartials { program = program.accumulatingInSingle() }
    if let type = rewrites.collectiveType { program = program.sendingMatrices(as: type) }
    return program
  }
}

/// The step's buffers and its phases in the order in which they run.
package struct TrainingPhases {
  let step: StepWriter
  let optimizer: TrainingStep.Optimizer
  let lossScale: Double
  let x: TensorID
  let dx: TensorID
  let saved: SavedActivations?
  let host: HostTensors
  /// Sum of squares of the gradients that this rank holds, over all phases.
  let norm: TensorReference
  /// The settings, and the step's schedule, loaded first because masks depend on its number.
  private let dropout: (settings: TrainingStep.Dropout, schedule: TensorReference)?
  private let part: TrainingStep.Part

  /// What the host gives and gets.
  struct HostTensors {
    let inputIDs: TensorID
    let labels: TensorID
    let schedule: TensorReference
    let loss: TensorID
    let gradientNorm: TensorReference
  }

  init(
    step: StepWriter, optimizer: TrainingStep.Optimizer, lossScale: Double,
    dropout: TrainingStep.Dropout?, part: TrainingStep.Part
  ) {
    self.part = part
    self.step = step
    self.optimizer = optimizer
    self.lossScale = lossScale
    x = step.isPipelined ? step.residualRing("x") : step.activationBuffer("x")
    dx = step.isPipelined ? step.residual("dx") : step.activationBuffer("dx")
    saved =
      step.plan.recompute == .none || step.plan.recompute == .selective
      ? SavedActivations(step) : nil
    host = Self.declareHost(step)
    norm = step.builder.temporary("squared_norm", [1], .float32, differsOver: .all)
    self.dropout = dropout.map {
      ($0, step.builder.temporary("dropout_schedule", [2], .float32, differsOver: []))
    }
  }

  func write() {
    embeddingForward()
    decoderForward()
    head()
    decoderBackward()
    let scale = trainsWeights ? embeddingBackwardAndOptimizer() : gradientNorm()
    guard part != .microBatches else { return }
    decoderOptimizer(scale)
    if trainsWeights { headOptimizer(scale) }
  }

  /// The name of the loop over a phase's micro-batches.
  package static let microBatches = "micro_batch"

  /// Whether the model's own weights are trained, rather than adapters beside them.
  var trainsWeights: Bool { step.lora == nil }

  func forEachMicroBatch(_ body: (Affine) -> Void) {
    guard part != .once else { return }
    step.builder.loop(Self.microBatches, count: step.plan.gradientAccumulation, body)
  }

  func forEachLayer(descending: Bool = false, _ body: (Affine) -> Void) {
    step.builder.loop("layer", count: step.layers, descending: descending, body)
  }

  /// `layer` counts within the stage.
  func dropout(_ layer: Affine, _ batch: Affine) -> Dropout? {
    var layer = layer
    if step.isPipelined, layer.variable != nil { layer.offset = step.firstLayer }
    return dropout.map {
      Dropout(settings: $0.settings, schedule: $0.schedule, layer: layer, microBatch: batch)
    }
  }

  /// Where masks are drawn, loads what they depend on.
  func loadDropoutSchedule() {
    guard let dropout else { return }
    step.builder.emit(.hostLoad, [host.schedule], into: [dropout.schedule])
  }

  private static func declareHost(_ step: StepWriter) -> HostTensors {
    typealias Name = TrainingStep.HostTensor
    let builder = step.builder
    let batches = [step.plan.gradientAccumulation]
    func tokens(_ name: String) -> TensorID {
      builder.declare(
        name, [step.tokens], .int32, in: .host, differsOver: .data, instances: batches)
    }
    return HostTensors(
      inputIDs: tokens(Name.inputIDs), labels: tokens(Name.labels),
      schedule: TensorReference(
        builder.declare(Name.schedule, [2], .float32, in: .host, differsOver: [])),
      loss: builder.declare(
        Name.loss, [1], .float32, in: .host, differsOver: .data, instances: batches),
      gradientNorm: TensorReference(
        builder.declare(Name.gradientNorm, [1], .float32, in: .host, differsOver: [])))
  }
}

extension TrainingPhases {
  private func embeddingForward() {
    step.builder.phase("embedding_forward") {
      step.builder.emit(.zero, [], into: [norm])
      loadDropoutSchedule()
      let embedding = VocabParallelEmbedding(table: step.load(step.parameters.embedding))
      forEachMicroBatch { batch in
        let ids = step.hostLoad(TensorReference(host.inputIDs, [batch]))
        let embedded = embedding.forward(ids, step)
        dropout(0, batch)?.apply(embedded, .embedding, step)
        step.storeResidual(embedded, x, [0, batch])
      }
    }
  }

  private func decoderForward() {
    forEachLayer { layer in
      step.builder.phase("decoder_forward") {
        let block = TransformerBlock(step.loadBlock(layer), step.loadAdapters(layer))
        forEachMicroBatch { batch in
          let input = step.loadResidual(x, [layer, batch], "x")
          let (output, activations) = block.forward(
            input, dropout: dropout(layer, batch), step)
          saved?.store(activations, [layer, batch], step)
          step.storeResidual(output, x, [layer + 1, batch])
        }
      }
    }
  }

  /// Forward, loss and backward of the head in one phase: its weights are loaded only once.
  private func head() {
    step.builder.phase("head") {
      let parameters = step.parameters.head
      let head = VocabParallelHead(parameters.map { step.load($0) })
      let gradients = trainsWeights ? parameters.map(step.zeroGradient) : nil
      let last = Affine(nil, step.model.layers)
      forEachMicroBatch { batch in
        let input = step.loadResidual(x, [last, batch], "x")
        let labels = step.hostLoad(TensorReference(host.labels, [batch]))
        let dX = head.train(
          input, labels: labels, loss: TensorReference(host.loss, [batch]), scale: lossGradient,
          into: gradients, step)
        step.storeResidual(dX, dx, [last, batch])
      }
      for (parameter, gradient) in zip(parameters.all, gradients?.all ?? []) {
        storeGradient(parameter, gradient, layer: nil)
      }
    }
  }

  private func decoderBackward() {
    forEachLayer(descending: true) { layer in
      step.builder.phase("decoder_backward") {
        let weights = step.loadBlock(layer)
        let gradients = trainsWeights ? step.parameters.block.map(step.zeroGradient) : nil
        let adapterGradients = step.parameters.adapters.map(step.zeroGradient)
        let block = TransformerBlock(weights, step.loadAdapters(layer, adapterGradients))
        forEachMicroBatch { batch in
          let input = step.loadResidual(x, [layer, batch], "x")
          let dY = step.loadResidual(dx, [layer + 1, batch], "d_y")
          let dropout = dropout(layer, batch)
          let activations =
            saved?.load(input, block, [layer, batch], step)
            ?? block.recompute(input, dropout: dropout, step)
          let dX = block.backward(
            dY, input: input, activations, into: gradients, dropout: dropout, step)
          step.storeResidual(dX, dx, [layer, batch])
        }
        let trained = gradients?.all ?? adapterGradients.all
        for (parameter, gradient) in zip(step.parameters.trainedInLayer, trained) {
          storeGradient(parameter, gradient, layer: layer)
        }
      }
    }
  }

  /// The gradient of every micro-batch's mean loss, so that the accumulated sum is the global mean.
  var lossGradient: Double {
    lossScale / Double(step.plan.gradientAccumulation * step.plan.dataParallel)
  }

  func storeGradient(_ parameter: Parameter, _ gradient: TensorReference, layer: Affine?) {
    guard part != .microBatches else { return }
    let shard = step.reduceGradient(parameter, gradient, norm: norm)
    step.store(shard, into: step.stored(parameter).gradient, of: parameter, layer: layer)
  }
}

extension StepWriter {
  /// Loads all parameters of one layer.
  func loadBlock(_ layer: Affine) -> Block<TensorReference> {
    parameters.block.map { load($0, layer: layer) }
  }
}
