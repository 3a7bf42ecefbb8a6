import Program

/// Loads, gathers, slices and stores: what phased execution adds to the arithmetic.
extension ModelWriter {
  private func indices(_ weight: Weight, _ layer: Affine?) -> [Affine] {
    guard weight.isPerLayer else { return [] }
    guard let layer else { preconditionFailure("\(weight.name) needs a layer") }
    return [layer]
  }

  /// Brings a rank's whole part of a weight onto its tiles: a load, and a gather where replicas each
  /// keep a shard of it.
  func load(_ weight: Weight, layer: Affine? = nil) -> TensorReference {
    let shard = loadShard(stored(weight).weight, of: weight, layer, "")
    guard isParallel(weight.shardingGroup) else { return shard }
    let whole = temporary(weight.name, weight.shape, differsOver: weight.differsOver)
    emit(.collective(.allGather, over: weight.shardingGroup), [shard], into: [whole])
    return whole
  }

  /// Loads one of a weight's shards (weight, gradient or moment) onto the tiles, ungathered.
  func loadShard(
    _ id: TensorID, of weight: Weight, _ layer: Affine?, _ suffix: String
  ) -> TensorReference {
    let source = TensorReference(id, indices(weight, layer))
    let tensor = builder[source]
    let isWhole = !isParallel(weight.shardingGroup)
    let shard = builder.temporary(
      weight.name + suffix + (isWhole ? "" : ".shard"), isWhole ? weight.shape : tensor.shape,
      tensor.elementType, differsOver: tensor.differsOver)
    emit(.load, [source], into: [shard])
    return shard
  }

  func store(
    _ shard: TensorReference, into id: TensorID, of weight: Weight, layer: Affine? = nil
  ) {
    emit(.store, [shard], into: [TensorReference(id, indices(weight, layer))])
  }

  /// A zeroed accumulator for a weight's gradient.
  func zeroGradient(_ weight: Weight) -> TensorReference {
    let gradient = temporary(
      weight.name + ".gradient", weight.shape, differsOver: weight.differsOver.union(.data))
    emit(.zero, [], into: [gradient])
    return gradient
  }

  /// Sums a gradient over the replicas and keeps this rank's shard.
  func reduce(_ weight: Weight, _ gradient: TensorReference) -> TensorReference {
    guard isParallel(weight.shardingGroup) else { return gradient }
    let axes = weight.differsOver.union(AxisSet(weight.shardingGroup))
    let shard = temporary(
      weight.name + ".gradient.shard", [shardCount(weight)], differsOver: axes)
    guard weight.shardingGroup == .all else {
      emit(.collective(.reduceScatter, over: weight.shardingGroup), [gradient], into: [shard])
      return shard
    }
    emit(
      .slice(over: .all), [allReduce(gradient, weight.name + ".gradient.sum", over: .data)],
      into: [shard])
    return shard
  }

  /// The same, its square added to the norm.
  func reduce(
    _ weight: Weight, _ gradient: TensorReference, norm: TensorReference
  ) -> TensorReference {
    let shard = reduce(weight, gradient)
    emit(.sumOfSquares, [shard], into: [norm])
    return shard
  }

  /// A streaming buffer of rows of activation slices, a slice for each micro-batch.
  func activationBuffer(_ name: String, rows: Int) -> TensorID {
    builder.declare(
      name, [(tokens * model.hiddenSize).parts(plan.tensorParallel)], type, in: .streaming,
      differsOver: .all, instances: [rows, plan.gradientAccumulation])
  }

  /// Loads this rank's slice of an activation, ungathered.
  func loadSlice(_ buffer: TensorID, _ indices: [Affine], _ name: String) -> TensorReference {
    let source = TensorReference(buffer, indices)
    let isSharded = isParallel(.tensor)
    let slice = temporary(
      isSharded ? name + ".slice" : name, isSharded ? builder[source].shape : activationShape)
    emit(.load, [source], into: [slice])
    return slice
  }

  /// Loads one rank's slice of an activation and gathers the rest from its tensor-parallel group.
  func loadActivation(_ buffer: TensorID, _ indices: [Affine], _ name: String) -> TensorReference {
    let slice = loadSlice(buffer, indices, name)
    guard isParallel(.tensor) else { return slice }
    let whole = temporary(name, activationShape, differsOver: .data)
    emit(.collective(.allGather, over: .tensor), [slice], into: [whole])
    return whole
  }

  /// Stores this rank's slice of an activation that its whole group holds.
  func storeActivation(_ activation: TensorReference, _ buffer: TensorID, _ indices: [Affine]) {
    let target = TensorReference(buffer, indices)
    var slice = activation
    if isParallel(.tensor) {
      slice = temporary("activation.slice", builder[target].shape)
      emit(.slice(over: .tensor), [activation], into: [slice])
    }
    emit(.store, [slice], into: [target])
  }

  /// A value that the host gives or gets, an instance for each micro-batch where asked.
  func hostTensor(
    _ name: String, _ shape: [Int], _ type: ElementType, eachMicroBatch: Bool = false
  ) -> TensorID {
    builder.declare(
      name, shape, type, in: .host, differsOver: eachMicroBatch ? .data : [],
      instances: eachMicroBatch ? [plan.gradientAccumulation] : [])
  }

  /// Loads one of the host's values onto the tiles of every rank.
  func hostLoad(_ source: TensorReference) -> TensorReference {
    let tensor = builder[source]
    let target = builder.temporary(
      tensor.name, tensor.shape, tensor.elementType, differsOver: tensor.differsOver)
    emit(.hostLoad, [source], into: [target])
    return target
  }
}
