import Program

/// Loads, gathers, slices and stores: what phased execution adds to the arithmetic.
extension StepWriter {
  /// The index of a parameter's instances: the layer, or nothing.
  func indices(_ parameter: Parameter, _ layer: Affine?) -> [Affine] {
    guard parameter.isPerLayer else { return [] }
    guard let layer else { preconditionFailure("\(parameter.name) needs a layer") }
    return [layer]
  }

  /// Brings a rank's whole part of a parameter onto its tiles: a load, and a gather where replicas
  /// each keep a shard of it.
  func load(_ parameter: Parameter, layer: Affine? = nil) -> TensorReference {
    let shard = loadShard(stored(parameter).weight, of: parameter, layer, "")
    guard isParallel(parameter.shardingGroup) else { return shard }
    let whole = builder.temporary(
      parameter.name, parameter.shape, type, differsOver: parameter.differsOver)
    builder.emit(.collective(.allGather, over: parameter.shardingGroup), [shard], into: [whole])
    return whole
  }

  /// Loads one of a parameter's shards (weight, gradient or moment) onto the tiles, ungathered.
  func loadShard(
    _ id: TensorID, of parameter: Parameter, _ layer: Affine?, _ suffix: String
  ) -> TensorReference {
    let source = TensorReference(id, indices(parameter, layer))
    let tensor = builder[source]
    let isWhole = !isParallel(parameter.shardingGroup)
    let shard = builder.temporary(
      parameter.name + suffix + (isWhole ? "" : ".shard"),
      isWhole ? parameter.shape : tensor.shape,
      tensor.elementType == .bfloat16 ? type : tensor.elementType,
      differsOver: tensor.differsOver)
    builder.emit(.load, [source], into: [shard])
    return shard
  }

  /// A zeroed accumulator for a parameter's gradient, as long as one phase.
  func zeroGradient(_ parameter: Parameter) -> TensorReference {
    // Differs over data until it is reduced, and over the tensor group where it is partial.
    let gradient = builder.temporary(
      parameter.name + ".gradient", parameter.shape, type,
      differsOver: parameter.hasPartialGradient ? .all : parameter.differsOver.union(.data))
    builder.emit(.zero, [], into: [gradient])
    return gradient
  }

  /// Sums a gradient over the replicas, keeps this rank's shard, and adds its square to the norm.
  func reduceGradient(
    _ parameter: Parameter, _ gradient: TensorReference, norm: TensorReference
  ) -> TensorReference {
    let shard = shardOfSum(parameter, gradient)
    builder.emit(.sumOfSquares, [shard], into: [norm])
    return shard
  }

  private func shardOfSum(_ parameter: Parameter, _ gradient: TensorReference) -> TensorReference {
    let axes = parameter.differsOver.union(AxisSet(parameter.shardingGroup))
    guard isParallel(parameter.shardingGroup) else { return gradient }
    let shard = builder.temporary(
      parameter.name + ".gradient.shard", [shardCount(parameter)], type, differsOver: axes)
    guard parameter.shardingGroup == .all, !parameter.hasPartialGradient else {
      builder.emit(
        .collective(.reduceScatter, over: parameter.shardingGroup), [gradient], into: [shard])
      return shard
    }
    var sum = gradient
    if isParallel(.data) {
      sum = builder.temporary(
        parameter.name + ".gradient.sum", parameter.shape, type, differsOver: [])
      builder.emit(.collective(.allReduceSum, over: .data), [gradient], into: [sum])
    }
    builder.emit(.slice(over: .all), [sum], into: [shard])
    return shard
  }

  /// Stores a tensor on the tiles into one of a parameter's shards.
  func store(
    _ shard: TensorReference, into id: TensorID, of parameter: Parameter, layer: Affine? = nil
  ) {
    builder.emit(
      .store, [shard], into: [TensorReference(id, indices(parameter, layer))])
  }

  /// Loads one rank's slice of an activation and gathers the rest from its tensor-parallel group.
  func loadActivation(_ buffer: TensorID, _ indices: [Affine], _ name: String) -> TensorReference {
    let source = TensorReference(buffer, indices)
    let isSharded = isParallel(.tensor)
    let shape = [tokens, model.hiddenSize]
    let slice = builder.temporary(
      isSharded ? name + ".slice" : name, isSharded ? builder[source].shape : shape, type,
      differsOver: .all)
    builder.emit(.load, [source], into: [slice])
    guard isSharded else { return slice }
    let whole = builder.temporary(name, shape, type, differsOver: .data)
    builder.emit(.collective(.allGather, over: .tensor), [slice], into: [whole])
    return whole
  }

  /// Stores this rank's slice of an activation that its whole group holds.
  func storeActivation(_ activation: TensorReference, _ buffer: TensorID, _ indices: [Affine]) {
    let target = TensorReference(buffer, indices)
    var slice = activation
    if isParallel(.tensor) {
      slice = builder.temporary(
        builder[activation].name.suffixAfterSlash + ".slice", builder[target].shape, type,
        differsOver: .all)
      builder.emit(.slice(over: .tensor), [activation], into: [slice])
    }
    builder.emit(.store, [slice], into: [target])
  }

  /// A streaming buffer of activation slices with one row more than there are layers.
  func activationBuffer(_ name: String) -> TensorID {
    builder.declare(
      name, [(tokens * model.hiddenSize).shard(of: plan.tensorParallel)], type, in: .streaming,
      differsOver: .all, instances: [model.layers + 1, plan.gradientAccumulation])
  }

  /// Loads one of the host's values onto the tiles of every rank.
  func hostLoad(_ source: TensorReference) -> TensorReference {
    let tensor = builder[source]
    let target = builder.temporary(
      tensor.name, tensor.shape, tensor.elementType, differsOver: tensor.differsOver)
    builder.emit(.hostLoad, [source], into: [target])
    return target
  }

  /// The sum over a group of what each of its ranks holds; the operand itself where it is alone.
  func allReduce(
    _ partial: TensorReference, _ name: String, over group: ProcessGroup = .tensor,
    _ kind: Operation.Collective = .allReduceSum
  ) -> TensorReference {
    guard isParallel(group) else { return partial }
    let tensor = builder[partial]
    let sum = builder.temporary(
      name, tensor.shape, tensor.elementType,
      differsOver: tensor.differsOver.subtracting(AxisSet(group)))
    builder.emit(.collective(kind, over: group), [partial], into: [sum])
    return sum
  }
}

extension String {
  fileprivate var suffixAfterSlash: String { split(separator: "/").last.map(String.init) ?? self }
}
