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
    let weight = stored(parameter).weight
    let shard = loadShard(weight, of: parameter, layer, "", as: typeOnTiles(of: weight))
    return holdsWholeWeights(parameter) ? shard : gather(shard, of: parameter)
  }

  /// A parameter whole from the shards that its group holds.
  func gather(_ shard: TensorReference, of parameter: Parameter) -> TensorReference {
    let whole = builder.temporary(
      parameter.name, parameter.shape, builder[shard].elementType,
      differsOver: parameter.differsOver)
    builder.emit(.collective(.allGather, over: parameter.shardingGroup), [shard], into: [whole])
    return whole
  }

  /// What a weight in streaming memory is once it is loaded: bfloat16 becomes the step's type.
  func typeOnTiles(of stored: TensorID) -> ElementType {
    let atRest = builder[TensorReference(stored)].elementType
    return atRest == .bfloat16 ? type : atRest
  }

  /// Loads what a rank stores of a parameter (weight, gradient or moment) onto the tiles, ungathered.
  func loadShard(
    _ id: TensorID, of parameter: Parameter, _ layer: Affine?, _ suffix: String,
    as type: ElementType? = nil
  ) -> TensorReference {
    let source = TensorReference(id, indices(parameter, layer))
    let tensor = builder[source]
    let isWhole =
      tensor.differsOver.subtracting(.pipeline) == builder.axes(parameter.differsOver)
    let shard = builder.temporary(
      parameter.name + suffix + (isWhole ? "" : ".shard"),
      isWhole ? parameter.shape : tensor.shape,
      type ?? tensor.elementType,
      differsOver: tensor.differsOver)
    builder.emit(.load, [source], into: [shard])
    return shard
  }

  /// A zeroed accumulator for a parameter's gradient, as long as one phase.
  func zeroGradient(_ parameter: Parameter) -> TensorReference {
    let gradient = TensorReference(declareGradient(parameter))
    builder.emit(.zero, [], into: [gradient])
    return gradient
  }

  /// An accumulator for a parameter's gradient, or one for each of so many layers.
  func declareGradient(_ parameter: Parameter, instances: [Int] = []) -> TensorID {
    // Differs over data until it is reduced, and over the tensor group where it is partial.
    builder.declare(
      parameter.name + ".gradient", parameter.shape, gradientType,
      differsOver: parameter.hasPartialGradient ? .all : parameter.differsOver.union(.data),
      instances: instances)
  }

  /// Sums a gradient over the replicas, keeps this rank's shard, and adds its square to the norm.
  func reduceGradient(
    _ parameter: Parameter, _ gradient: TensorReference, norm: TensorReference
  ) -> TensorReference {
    guard !holdsWholeState(parameter) else { return wholeSum(parameter, gradient, norm) }
    let shard = shardOfSum(parameter, gradient)
    builder.emit(.sumOfSquares, [shard], into: [norm])
    return shard
  }

  /// The whole sum on every replica; each adds only the squares of its slice to the norm.
  private func wholeSum(
    _ parameter: Parameter, _ gradient: TensorReference, _ norm: TensorReference
  ) -> TensorReference {
    let group = parameter.shardingGroup
    guard isParallel(group) else {
      builder.emit(.sumOfSquares, [gradient], into: [norm])
      return gradient
    }
    let sum = allReduce(
      gradient, parameter.name + ".gradient.sum",
      over: parameter.hasPartialGradient ? group : .data)
    builder.emit(.sumOfSquares, [slice(sum, of: parameter)], into: [norm])
    return sum
  }

  /// This rank's shard of a parameter, or of what belongs to it, that its group holds whole.
  func slice(_ whole: TensorReference, of parameter: Parameter) -> TensorReference {
    let shard = builder.temporary(
      builder[whole].name.suffixAfterSlash + ".slice", [shardCount(parameter)],
      builder[whole].elementType,
      differsOver: parameter.differsOver.union(AxisSet(parameter.shardingGroup)))
    builder.emit(.slice(over: parameter.shardingGroup), [whole], into: [shard])
    return shard
  }

  private func shardOfSum(_ parameter: Parameter, _ gradient: TensorReference) -> TensorReference {
    let axes = parameter.differsOver.union(AxisSet(parameter.shardingGroup))
    guard isParallel(parameter.shardingGroup) else { return gradient }
    let shard = builder.temporary(
      parameter.name + ".gradient.shard", [shardCount(parameter)], gradientType, differsOver: axes)
    guard parameter.shardingGroup == .all, !parameter.hasPartialGradient else {
      builder.emit(
        .collective(.reduceScatter, over: parameter.shardingGroup), [gradient], into: [shard])
      return shard
    }
    var sum = gradient
    if isParallel(.data) {
      sum = builder.temporary(
        parameter.name + ".gradient.sum", parameter.shape, gradientType, differsOver: [])
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
    isParallel(group) ? builder.allReduce(partial, name, over: group, kind) : partial
  }
}

extension String {
  var suffixAfterSlash: String { split(separator: "/").last.map(String.init) ?? self }
}
