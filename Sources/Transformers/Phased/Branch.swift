import Program

/// One branch of a block: what stands between its norm and its sum.
enum Branch {
  case attention, crossAttention, feedForward

  var name: String {
    switch self {
    case .attention: "attention"
    case .crossAttention: "cross_attention"
    case .feedForward: "feed_forward"
    }
  }

  /// Of its norm's gain and bias.
  var normRoles: (gain: Role, bias: Role) {
    switch self {
    case .attention: (.normGain, .normBias)
    case .crossAttention: (.crossNormGain, .crossNormBias)
    case .feedForward: (.feedForwardNormGain, .feedForwardNormBias)
    }
  }

  /// Of the bias that is added once, after the sum over the ranks.
  var biasRole: Role? {
    switch self {
    case .attention: .attentionOutputBias
    case .crossAttention: nil
    case .feedForward: .feedForwardOutBias
    }
  }

  var dropoutSite: Operation.Dropout.Site {
    self == .feedForward ? .feedForwardOutput : .attentionOutput
  }
}

/// What the branches of one block read beside their input.
struct BlockInputs {
  let weights: Weights<TensorReference>
  /// The encoder's output (T, D), for cross-attention.
  var encoded: TensorReference?
  /// (buckets, heads): of the relative positions, which all layers share.
  var relativeBias: TensorReference?
}

/// What the backward pass of a branch needs beside its input; all of it is this rank's own.
enum SavedBranch {
  /// Queries, keys and values after rotation (T, 3 Dl); context (T, Dl); log-sum-exp (T, heads).
  case attention(qkv: TensorReference, context: TensorReference, logSumExp: TensorReference)
  /// Before the activation (T, Fl, twice that with a gate), and after it (T, Fl).
  case feedForward(z: TensorReference, g: TensorReference)
}

extension ModelWriter {
  /// The branch's partial output (T, D), before its all-reduce and bias.
  func forward(
    _ branch: Branch, _ h: TensorReference, _ inputs: BlockInputs
  ) -> (partial: TensorReference, SavedBranch) {
    switch branch {
    case .attention: attention(h, inputs)
    case .crossAttention: crossAttention(h, inputs)
    case .feedForward: feedForward(h, inputs.weights)
    }
  }

  private func attention(
    _ h: TensorReference, _ inputs: BlockInputs
  ) -> (partial: TensorReference, SavedBranch) {
    let weights = inputs.weights
    var qkv = product(h, weights.required(.qkv), "qkv")
    addBias(weights[.qkvBias], to: qkv)
    rotate(qkv, inverse: false)
    if model.keyValueHeads != model.heads { qkv = packed([qkv], "qkv.repeated") }
    if let relative = inputs.relativeBias { addPositions(relative) }
    return attend(qkv, weights.required(.attentionOutput), .attention)
  }

  private func crossAttention(
    _ h: TensorReference, _ inputs: BlockInputs
  ) -> (partial: TensorReference, SavedBranch) {
    guard let encoded = inputs.encoded else { preconditionFailure("nothing was encoded") }
    let weights = inputs.weights
    let query = product(h, weights.required(.crossQuery), "query")
    let keyValue = product(encoded, weights.required(.crossKeyValue), "key_value")
    return attend(
      packed([query, keyValue], "query_key_value"), weights.required(.crossOutput),
      .crossAttention)
  }

  private func attend(
    _ qkv: TensorReference, _ output: TensorReference, _ branch: Branch
  ) -> (partial: TensorReference, SavedBranch) {
    let shape = attentionShape
    let context = temporary("context", [tokens, shape.heads * shape.headSize])
    let logSumExp = temporary("log_sum_exp", [tokens, shape.heads], .float32)
    emit(.attention(shape), [qkv] + dropoutSchedule, into: [context, logSumExp])
    return (
      product(context, output, branch.name + ".partial"),
      .attention(qkv: qkv, context: context, logSumExp: logSumExp)
    )
  }

  private func feedForward(
    _ h: TensorReference, _ weights: Weights<TensorReference>
  ) -> (partial: TensorReference, SavedBranch) {
    let z = product(h, weights.required(.feedForwardIn), "feed_forward.z")
    addBias(weights[.feedForwardInBias], to: z)
    let output = weights.required(.feedForwardOut)
    let g = temporary("feed_forward.g", [builder[z].rows, builder[output].columns])
    emit(activation(isBackward: false), [z], into: [g])
    return (product(g, output, "feed_forward.partial"), .feedForward(z: z, g: g))
  }

  private func activation(isBackward: Bool) -> Operation.Kind {
    guard model.activation == .gelu, !model.isGated else {
      let name = (model.isGated ? "gated_" : "") + model.activation.rawValue
      return .elementwise(isBackward ? name + "_backward" : name)
    }
    return isBackward ? .geluBackward : .gelu
  }

  private var dropoutSchedule: [TensorReference] { plan.hasAttentionDropout ? [schedule] : [] }

  private func rotate(_ qkv: TensorReference, inverse: Bool) {
    guard model.positions == .rotary else { return }
    let rotary = Operation.Rotary(size: model.rotarySize, base: 10_000)
    emit(.rotary(rotary, attentionShape, inverse: inverse), [qkv], into: [qkv])
  }

  /// Queries, keys and values of all heads side by side (T, 3 Dl).
  private func packed(_ parts: [TensorReference], _ name: String) -> TensorReference {
    let width = 3 * attentionShape.heads * model.headSize
    let qkv = temporary(name, [tokens, width])
    emit(.elementwise("pack"), parts, into: [qkv])
    return qkv
  }

  /// Looks the bias of each pair of positions up, and adds it to the scores of every sequence.
  private func addPositions(_ table: TensorReference) {
    let length = plan.sequenceLength
    let bias = temporary("relative_bias", [attentionShape.heads * length, length])
    emit(.elementwise("relative_bias"), [table], into: [bias])
    emit(.elementwise("add_relative_bias"), [bias], into: [bias])
  }
}

extension ModelWriter {
  /// Accumulates the gradients of the branch's weights and returns the partial dh (T, D), and the
  /// partial gradient of what was encoded.
  func backward(
    _ branch: Branch, _ dy: TensorReference, input h: TensorReference, _ saved: SavedBranch,
    _ inputs: BlockInputs, into gradients: BlockInputs
  ) -> (partial: TensorReference, encoded: TensorReference?) {
    let weights = inputs.weights
    switch saved {
    case .feedForward(let z, let g):
      let output = weights.required(.feedForwardOut)
      accumulate(dy, g, into: gradients.weights[.feedForwardOut])
      let dG = inputGradient(dy, output, "d_g")
      let dZ = like(z, "d_z")
      emit(activation(isBackward: true), [dG, z], into: [dZ])
      let dH = branchGradient(
        dZ, input: h, weights, gradients.weights, .feedForwardIn, .feedForwardInBias, branch)
      return (dH, nil)
    case .attention(let qkv, let context, let logSumExp):
      let role = branch == .attention ? Role.attentionOutput : .crossOutput
      accumulate(dy, context, into: gradients.weights[role])
      let dContext = inputGradient(dy, weights.required(role), "d_context")
      let dQKV = like(qkv, "d_qkv")
      emit(
        .attentionBackward(attentionShape),
        [qkv, context, logSumExp, dContext] + dropoutSchedule, into: [dQKV])
      return branch == .attention
        ? (attentionBackward(dQKV, input: h, inputs, into: gradients), nil)
        : crossBackward(dQKV, input: h, inputs, into: gradients)
    }
  }

  private func attentionBackward(
    _ dQKV: TensorReference, input h: TensorReference, _ inputs: BlockInputs,
    into gradients: BlockInputs
  ) -> TensorReference {
    if let dRelative = gradients.relativeBias { positionsBackward(dRelative) }
    var dQKV = dQKV
    if model.keyValueHeads != model.heads {
      let shape = attentionShape
      let keyValueHeads = model.keyValueHeads / plan.attentionTensorParallel
      dQKV = unpacked(dQKV, heads: shape.heads + 2 * keyValueHeads, "d_qkv.summed")
    }
    rotate(dQKV, inverse: true)
    return branchGradient(
      dQKV, input: h, inputs.weights, gradients.weights, .qkv, .qkvBias, .attention)
  }

  private func crossBackward(
    _ dQKV: TensorReference, input h: TensorReference, _ inputs: BlockInputs,
    into gradients: BlockInputs
  ) -> (partial: TensorReference, encoded: TensorReference?) {
    guard let encoded = inputs.encoded else { preconditionFailure("nothing was encoded") }
    let heads = attentionShape.heads
    let dQuery = unpacked(dQKV, heads: heads, "d_query")
    let dKeyValue = unpacked(dQKV, heads: 2 * heads, "d_key_value")
    let dH = branchGradient(
      dQuery, input: h, inputs.weights, gradients.weights, .crossQuery, nil, .crossAttention)
    accumulate(dKeyValue, encoded, into: gradients.weights[.crossKeyValue])
    return (
      dH, inputGradient(dKeyValue, inputs.weights.required(.crossKeyValue), "d_encoded.partial")
    )
  }

  private func branchGradient(
    _ dy: TensorReference, input h: TensorReference, _ weights: Weights<TensorReference>,
    _ gradients: Weights<TensorReference>, _ role: Role, _ bias: Role?, _ branch: Branch
  ) -> TensorReference {
    accumulate(dy, h, into: gradients[role])
    if let bias { biasGradient(dy, into: gradients[bias]) }
    return inputGradient(dy, weights.required(role), "d_norm.\(branch.name).partial")
  }

  private func unpacked(
    _ dQKV: TensorReference, heads: Int, _ name: String
  ) -> TensorReference {
    let part = temporary(name, [tokens, heads * model.headSize])
    emit(.elementwise("unpack"), [dQKV], into: [part])
    return part
  }

  /// The scores' gradient, summed over the sequences and scattered to the buckets.
  private func positionsBackward(_ gradient: TensorReference) {
    let length = plan.sequenceLength
    let dBias = temporary("d_relative_bias", [attentionShape.heads * length, length])
    emit(.elementwise("sum_relative_bias"), [gradient], into: [dBias])
    emit(.elementwise("relative_bias_backward"), [dBias, gradient], into: [gradient])
  }
}
