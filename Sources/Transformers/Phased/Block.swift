import Program

/// A transformer block of any of the described structures.
struct Block {
  let inputs: BlockInputs
  /// In the order of their use.
  let branches: [Branch]
  let step: ModelWriter

  init(_ inputs: BlockInputs, branches: [Branch]? = nil, _ step: ModelWriter) {
    self.inputs = inputs
    self.step = step
    self.branches =
      branches
      ?? (step.model.hasCrossAttention
        ? [.attention, .crossAttention, .feedForward] : [.attention, .feedForward])
  }

  /// What the backward pass needs of one branch.
  struct Saved {
    let branch: Branch
    /// What the branch read: its norm's output, or the block's running sum.
    let h: TensorReference
    let activations: SavedBranch
    /// Input and statistics of the branch's norm, nil where another branch's norm is its own.
    var norm: (input: TensorReference, stats: TensorReference)?
  }

  /// y from x, written over x where `inPlace`.
  func forward(_ x: TensorReference, inPlace: Bool = false) -> TensorReference {
    isParallel ? parallelForward(x, inPlace: inPlace) : sequentialForward(x, inPlace: inPlace)
  }

  /// The forward pass as far as a backward pass reads it: its closing all-reduce is dead, and is
  /// repeated only where the plan asks for it.
  func recompute(_ x: TensorReference) -> [Saved] {
    isParallel ? parallelRecompute(x) : sequential(x, isRecompute: true).saved
  }

  /// Accumulates the gradients and returns dx (T, D), and that of what was encoded (T, D).
  func backward(
    _ dy: TensorReference, input x: TensorReference, _ saved: [Saved], into gradients: BlockInputs
  ) -> (dx: TensorReference, dEncoded: TensorReference?) {
    isParallel
      ? (parallelBackward(dy, saved, into: gradients), nil)
      : sequentialBackward(dy, saved, into: gradients)
  }

  private var isParallel: Bool { step.model.residual == .parallel }
  private var isBefore: Bool { step.model.normPosition == .before }

  private func norm(of branch: Branch) -> Norm {
    Norm(inputs.weights, branch.normRoles.gain, branch.normRoles.bias)
  }
}

extension Block {
  private func sequentialForward(_ x: TensorReference, inPlace: Bool) -> TensorReference {
    let y = sequential(x, isRecompute: false).y
    guard inPlace else { return y }
    step.emit(.copy, [y], into: [x])
    return x
  }

  private func sequential(
    _ x: TensorReference, isRecompute: Bool
  ) -> (y: TensorReference, saved: [Saved]) {
    var x = x
    var saved: [Saved] = []
    for (index, branch) in branches.enumerated() {
      var h = x
      var stats: TensorReference?
      if isBefore { (h, stats) = norm(of: branch).forward(x, branch.name + ".norm", step) }
      let (partial, activations) = step.forward(branch, h, inputs)
      var item = Saved(branch: branch, h: h, activations: activations)
      if let stats { item.norm = (x, stats) }
      // Nothing reads the last sum of a recomputed layer, but a norm that closes it.
      if isRecompute, isBefore, index == branches.count - 1 {
        if step.plan.recomputeClosingCollectives { _ = step.allReduce(partial, branch.name) }
      } else {
        let sum = close(x, branch, partial)
        x = sum
        if !isBefore {
          let (y, stats) = norm(of: branch).forward(sum, branch.name + ".norm", step)
          item.norm = (sum, stats)
          x = y
        }
      }
      saved.append(item)
    }
    return (x, saved)
  }

  /// x plus the branch, its partial sum completed.
  private func close(
    _ x: TensorReference, _ branch: Branch, _ partial: TensorReference
  ) -> TensorReference {
    let sum = completed(branch, partial)
    let y = step.temporary(
      branch.name + ".y", step.activationShape, differsOver: step.builder[x].differsOver)
    step.emit(.add, [x, sum], into: [y])
    return y
  }

  private func completed(_ branch: Branch, _ partial: TensorReference) -> TensorReference {
    let sum = step.allReduce(partial, branch.name)
    step.addBias(branch.biasRole.flatMap { inputs.weights[$0] }, to: sum)
    // By 1, or by 0 in the encoder, whose block is the same (Graphcore examples, nlp/t5/popxl).
    if branch == .crossAttention { step.emit(.elementwise("scale"), [sum], into: [sum]) }
    step.dropout(sum, branch.dropoutSite)
    return sum
  }

  private func sequentialBackward(
    _ dy: TensorReference, _ saved: [Saved], into gradients: BlockInputs
  ) -> (dx: TensorReference, dEncoded: TensorReference?) {
    var dy = dy
    var dEncoded: TensorReference?
    for item in saved.reversed() {
      if !isBefore { dy = normBackward(dy, item, into: gradients, "d_sum") }
      let (partial, encodedPartial) = branchBackward(dy, item, into: gradients)
      var d = step.allReduce(partial, "d_norm." + item.branch.name)
      if let encodedPartial { dEncoded = step.allReduce(encodedPartial, "d_encoded") }
      if isBefore { d = normBackward(d, item, into: gradients, "d_branch." + item.branch.name) }
      let dX = step.temporary(
        "d_x." + item.branch.name, step.activationShape, differsOver: .data)
      step.emit(.add, [d, dy], into: [dX])
      dy = dX
    }
    return (dy, dEncoded)
  }

  private func branchBackward(
    _ dy: TensorReference, _ item: Saved, into gradients: BlockInputs
  ) -> (partial: TensorReference, encoded: TensorReference?) {
    let branch = item.branch
    var dBranch = step.dropoutGradient(dy, branch.dropoutSite, "d_\(branch.name)")
    if branch == .crossAttention {
      let scaled = step.like(dBranch, "d_cross_attention.scaled")
      step.emit(.elementwise("scale"), [dBranch], into: [scaled])
      dBranch = scaled
    }
    if let role = branch.biasRole {
      step.biasGradient(dBranch, into: gradients.weights[role])
    }
    return step.backward(
      branch, dBranch, input: item.h, item.activations, inputs, into: gradients)
  }

  private func normBackward(
    _ dy: TensorReference, _ item: Saved, into gradients: BlockInputs, _ name: String
  ) -> TensorReference {
    guard let (input, stats) = item.norm else { preconditionFailure("\(item.branch) has a norm") }
    let roles = item.branch.normRoles
    return norm(of: item.branch).backward(
      dy, input: input, stats: stats, into: gradients.weights, roles.gain, roles.bias, name, step)
  }
}

/// Attention and feed-forward side by side on one norm, both added to x, as in GPT-J.
extension Block {
  private func sideBySide(_ x: TensorReference) -> (partials: [TensorReference], saved: [Saved]) {
    let (h, stats) = norm(of: .attention).forward(x, "norm", step)
    var partials: [TensorReference] = []
    var saved: [Saved] = []
    for branch in branches {
      let (partial, activations) = step.forward(branch, h, inputs)
      partials.append(partial)
      saved.append(Saved(branch: branch, h: h, activations: activations, norm: (x, stats)))
    }
    return (partials, saved)
  }

  private func parallelForward(_ x: TensorReference, inPlace: Bool) -> TensorReference {
    let sums = zip(branches, sideBySide(x).partials).map { completed($0, $1) }
    let y = inPlace ? x : step.temporary("y", step.activationShape, differsOver: .data)
    step.emit(.add, [x] + sums, into: [y])
    return y
  }

  private func parallelRecompute(_ x: TensorReference) -> [Saved] {
    let (partials, saved) = sideBySide(x)
    if step.plan.recomputeClosingCollectives {
      for (branch, partial) in zip(branches, partials) {
        _ = step.allReduce(partial, branch.name)
      }
    }
    return saved
  }

  private func parallelBackward(
    _ dy: TensorReference, _ saved: [Saved], into gradients: BlockInputs
  ) -> TensorReference {
    let gradientsOfNorm = saved.reversed().map { item in
      step.allReduce(
        branchBackward(dy, item, into: gradients).partial, "d_norm." + item.branch.name)
    }
    let dH = step.temporary("d_norm", step.activationShape, differsOver: .data)
    step.emit(.add, gradientsOfNorm, into: [dH])
    let dBranches = normBackward(dH, saved[0], into: gradients, "d_branches")
    let dX = step.temporary("d_x", step.activationShape, differsOver: .data)
    step.emit(.add, [dBranches, dy], into: [dX])
    return dX
  }
}
