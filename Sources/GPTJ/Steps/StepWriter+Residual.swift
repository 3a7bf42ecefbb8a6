import Program

/// The residual stream: whole on every rank of a tensor-parallel group, or each rank's own rows.
extension StepWriter {
  /// Whether norms, dropouts and residuals are on each rank's own rows.
  var shardsSequence: Bool { plan.rewrites.shardsSequence && isParallel(.tensor) }

  /// The sum over the tensor-parallel group of a partial (T, D): all of it, or this rank's rows.
  func completed(_ partial: TensorReference, _ name: String) -> TensorReference {
    guard shardsSequence else { return allReduce(partial, name) }
    let rows = ownRows(name)
    builder.emit(.collective(.reduceScatter, over: .tensor), [partial], into: [rows])
    return rows
  }

  /// All rows (T, D) of what each rank has some of; the operand itself where it has them all.
  func whole(_ rows: TensorReference, _ name: String) -> TensorReference {
    guard shardsSequence else { return rows }
    return gather(rows, name)
  }

  /// Loads the residual stream, or its gradient, as the layers take it.
  func loadResidual(_ buffer: TensorID, _ indices: [Affine], _ name: String) -> TensorReference {
    guard shardsSequence else { return loadActivation(buffer, indices, name) }
    let rows = ownRows(name)
    builder.emit(.load, [TensorReference(buffer, indices)], into: [rows])
    return rows
  }

  /// Stores what the layers give.
  func storeResidual(_ x: TensorReference, _ buffer: TensorID, _ indices: [Affine]) {
    guard shardsSequence else { return storeActivation(x, buffer, indices) }
    builder.emit(.store, [x], into: [TensorReference(buffer, indices)])
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
    return gather(slice, name)
  }

  /// Stores this rank's slice of an activation that its whole group holds.
  private func storeActivation(
    _ activation: TensorReference, _ buffer: TensorID, _ indices: [Affine]
  ) {
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

  private func gather(_ rows: TensorReference, _ name: String) -> TensorReference {
    let whole = builder.temporary(name, [tokens, model.hiddenSize], type, differsOver: .data)
    builder.emit(.collective(.allGather, over: .tensor), [rows], into: [whole])
    return whole
  }

  private func ownRows(_ name: String) -> TensorReference {
    builder.temporary(
      name, [tokens / plan.tensorParallel, model.hiddenSize], type, differsOver: .all)
  }
}
