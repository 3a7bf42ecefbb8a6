import Program

/// What every layer needs to write its part of a step: the builder, the sizes, and the storage.
final class ModelWriter {
  let builder: ProgramBuilder
  let model: TransformerModel
  let plan: ExecutionPlan
  let table: WeightTable
  /// Streaming-memory tensors of each weight, by its name.
  private var storage: [String: Storage] = [:]
  /// Learning rate and the step's number, which masks depend on.
  private(set) lazy var schedule = builder.temporary("schedule", [2], .float32, differsOver: [])

  /// Where a weight and what belongs to it stay between phases: flat shards over its group.
  struct Storage {
    let weight: TensorID
    let gradient: TensorID
    let firstMoment: TensorID
    let secondMoment: TensorID
  }

  init(name: String, model: TransformerModel, plan: ExecutionPlan, mesh: Mesh? = nil) {
    builder = ProgramBuilder(name: name, mesh: mesh ?? plan.mesh)
    self.model = model
    self.plan = plan
    table = WeightTable(
      model, tensorParallel: plan.tensorParallel, attentionParallel: plan.attentionTensorParallel)
  }

  var type: ElementType { plan.elementType }
  /// Tokens of one micro-batch.
  var tokens: Int { plan.tokens }
  var activationShape: [Int] { [tokens, model.hiddenSize] }

  /// Whether a group has anyone to share a layer or a weight with.
  ///
  /// The mesh of a pipeline has its IPUs where another has tensor-parallel ranks: they share nothing.
  func isParallel(_ group: ProcessGroup) -> Bool {
    group == .tensor ? plan.tensorParallel > 1 : builder.mesh.size(of: group) > 1
  }

  func stored(_ weight: Weight) -> Storage {
    guard let found = storage[weight.name] else {
      preconditionFailure("\(weight.name) has no storage")
    }
    return found
  }

  /// Declares the weights in streaming memory, and gradients and moments of what a step trains.
  func declareStorage(training: Bool) {
    for weight in table.all {
      let main = declareShard(weight, "", type)
      storage[weight.name] = Storage(
        weight: main, gradient: training ? declareShard(weight, ".gradient", type) : main,
        firstMoment: training ? declareShard(weight, ".first_moment", .float32) : main,
        secondMoment: training ? declareShard(weight, ".second_moment", .float32) : main)
    }
  }

  /// Elements of a rank's flat shard of a weight.
  func shardCount(_ weight: Weight) -> Int {
    weight.count.parts(builder.mesh.size(of: weight.shardingGroup))
  }

  private func declareShard(_ weight: Weight, _ suffix: String, _ type: ElementType) -> TensorID {
    builder.declare(
      weight.name + suffix, [shardCount(weight)], type, in: .streaming,
      differsOver: weight.differsOver.union(AxisSet(weight.shardingGroup)),
      instances: weight.isPerLayer ? [weight.layers] : [])
  }
}

extension ModelWriter {
  /// A value of one micro-batch on the tiles; by default each rank's own.
  func temporary(
    _ name: String, _ shape: [Int], _ type: ElementType? = nil, differsOver axes: AxisSet = .all
  ) -> TensorReference {
    builder.temporary(name, shape, type ?? self.type, differsOver: axes)
  }

  /// The same shape and place as another value.
  func like(_ other: TensorReference, _ name: String) -> TensorReference {
    let tensor = builder[other]
    return builder.temporary(
      name, tensor.shape, tensor.elementType, differsOver: tensor.differsOver)
  }

  func emit(
    _ kind: Operation.Kind, _ inputs: [TensorReference], into outputs: [TensorReference]
  ) {
    builder.emit(kind, inputs, into: outputs)
  }

  /// x W^T (T, R).
  func product(
    _ x: TensorReference, _ weight: TensorReference, _ name: String
  ) -> TensorReference {
    let y = temporary(name, [builder[x].rows, builder[weight].rows])
    emit(.matmul(transposeA: false, transposeB: true, accumulate: false), [x, weight], into: [y])
    return y
  }

  /// dx (T, C) = dy W.
  func inputGradient(
    _ dy: TensorReference, _ weight: TensorReference, _ name: String
  ) -> TensorReference {
    let dx = temporary(name, [builder[dy].rows, builder[weight].columns])
    emit(
      .matmul(transposeA: false, transposeB: false, accumulate: false), [dy, weight], into: [dx])
    return dx
  }

  /// dW (R, C) += dy^T x.
  func accumulate(
    _ dy: TensorReference, _ x: TensorReference, into gradient: TensorReference?
  ) {
    guard let gradient else { return }
    emit(
      .matmul(transposeA: true, transposeB: false, accumulate: true), [dy, x], into: [gradient])
  }

  func addBias(_ bias: TensorReference?, to x: TensorReference) {
    if let bias { emit(.addBias, [x, bias], into: [x]) }
  }

  func biasGradient(_ dy: TensorReference, into gradient: TensorReference?) {
    if let gradient { emit(.biasGradient, [dy], into: [gradient]) }
  }

  /// The sum over a group of what each of its ranks holds; the operand itself where it is alone.
  func allReduce(
    _ partial: TensorReference, _ name: String, over group: ProcessGroup = .tensor,
    _ kind: Operation.Collective = .allReduceSum
  ) -> TensorReference {
    isParallel(group) ? builder.allReduce(partial, name, over: group, kind) : partial
  }

  /// Masks and scales an activation in place, where the plan has dropout.
  func dropout(_ x: TensorReference, _ site: Operation.Dropout.Site) {
    if plan.hasDropout { emit(.dropout(dropoutKind(site)), [x, schedule], into: [x]) }
  }

  /// A masked and scaled copy of a gradient; the gradient itself without dropout.
  func dropoutGradient(
    _ dy: TensorReference, _ site: Operation.Dropout.Site, _ name: String
  ) -> TensorReference {
    guard plan.hasDropout else { return dy }
    let dx = like(dy, name)
    emit(.dropout(dropoutKind(site)), [dy, schedule], into: [dx])
    return dx
  }

  /// What its constants are does not matter for its time.
  func dropoutKind(_ site: Operation.Dropout.Site) -> Operation.Dropout {
    Operation.Dropout(
      probability: 0.1, seed: 0, site: site, layer: 0, microBatch: 0,
      microBatches: plan.gradientAccumulation, sequence: plan.sequenceLength)
  }

  var attentionShape: Operation.Attention {
    Operation.Attention(
      heads: model.heads / plan.attentionTensorParallel, headSize: model.headSize,
      sequence: plan.sequenceLength, serialisation: plan.attentionSerialisation,
      dropout: plan.hasAttentionDropout ? dropoutKind(.attentionProbabilities) : nil)
  }
}
