package import Program

/// One optimizer step of a pipeline, as its IPUs run it.
///
/// Structure: Graphcore examples, nlp/bert/popart and nlp/gpt2/pytorch. In every turn an IPU takes
/// one micro-batch forward and another one backward through its layers, which it recomputes, and
/// hands both on; after all of them it reduces its gradients over the replicas and updates.
package struct PipelineStep {
  package var model: TransformerModel
  package var plan: ExecutionPlan

  package init(model: TransformerModel, plan: ExecutionPlan) {
    self.model = model
    self.plan = plan
  }

  /// What one kind of IPU runs: those that hold the same are one kind.
  package struct IPU {
    /// How many of a replica's there are.
    package let count: Int
    /// One micro-batch forward, recomputed and backward.
    package let turn: Program
    /// What follows once a step; its mesh's tensor axis has the IPUs of a replica.
    package let closing: Program
    /// Both together, as they share the tiles.
    package let whole: Program
  }

  /// Activations of a micro-batch between two stages; as many gradients come back.
  package var boundaryBytes: Int { plan.tokens * model.hiddenSize * plan.elementType.bytes }

  /// Writes the Programs, for each kind of IPU.
  ///
  /// - Throws: `TransformerError` where the plan cannot run the model.
  package func ipus() throws(TransformerError) -> [IPU] {
    if let reason = plan.illegality(for: model) { throw reason }
    precondition(plan.execution == .pipeline, "another plan's step")
    let shares = (0..<plan.ipusPerReplica).map { IPUShare(of: $0, plan) }
    var kinds: [IPUShare] = []
    for share in shares where !kinds.contains(share) { kinds.append(share) }
    return kinds.map { share in
      IPU(
        count: shares.count { $0 == share },
        turn: program("pipeline_turn", share, [.turn]),
        closing: program("pipeline_closing", share, [.closing]),
        whole: program("pipeline_step", share, [.turn, .closing]))
    }
  }

  private func program(
    _ name: String, _ share: IPUShare, _ parts: Set<PipelineWriter.Part>
  ) -> Program {
    let step = ModelWriter(
      name: name, model: model, plan: plan,
      mesh: Mesh(tensorParallel: plan.ipusPerReplica, dataParallel: plan.dataParallel))
    PipelineWriter(step: step, share: share).write(parts)
    return step.builder.build()
  }
}

/// What one IPU of a pipeline holds, all of its stages together.
struct IPUShare: Equatable {
  var attentions = 0
  var feedForwards = 0
  var hasEmbedding = false
  var hasHead = false
  /// Micro-batches that are between their forward and their backward pass in its first layers.
  var inFlight = 1

  init(of ipu: Int, _ plan: ExecutionPlan) {
    for (index, stage) in plan.stages.enumerated() where stage.ipu == ipu {
      attentions += stage.attentions
      feedForwards += stage.feedForwards
      hasEmbedding = hasEmbedding || stage.hasEmbedding
      hasHead = hasHead || stage.hasHead
      if stage.attentions + stage.feedForwards > 0 {
        inFlight = max(inFlight, 2 * (plan.stages.count - 1 - index) + 1)
      }
    }
  }
}
