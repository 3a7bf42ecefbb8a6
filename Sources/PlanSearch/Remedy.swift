package import CostModel
package import GPTJ
import Topology

/// A change to a plan that does not fit a topology, after which it does.
package struct Remedy: Sendable, Equatable, CustomStringConvertible {
  package let plan: ParallelPlan
  /// What products may use of a tile, where that is what changes.
  package var availableMemoryProportion: Double?
  package let description: String

  init(plan: ParallelPlan, availableMemoryProportion: Double? = nil, description: String) {
    self.plan = plan
    self.availableMemoryProportion = availableMemoryProportion
    self.description = description
  }
}

extension PlanEstimator {
  /// The smallest change of each kind that makes a plan fit, the one with the fastest step first: a
  /// smaller micro-batch, more blocks of attention or chunks of the head, less memory for products,
  /// wider tensor parallelism.
  ///
  /// Only where none of them is enough: wider and smaller together, then a smaller global batch.
  /// Each keeps to the topology's IPUs. Empty where nothing helps.
  package func remedies(for plan: ParallelPlan) -> [Remedy] {
    let kinds = [
      smallerMicroBatches(plan), moreBlocks(plan), moreChunks(plan), smallerProportions(plan),
      widerTensorParallelism(plan),
    ]
    let alone = kinds.compactMap { $0.first(where: fits) }
    guard alone.isEmpty else {
      return alone.map { ($0, seconds($0)) }.sorted { $0.1 < $1.1 }.map(\.0)
    }
    let together = widerTensorParallelism(plan).flatMap { wider in
      smallerMicroBatches(wider.plan).map { both in
        Remedy(plan: both.plan, description: "\(wider.description) and \(both.description)")
      }
    }
    return (together + smallerGlobalBatches(plan)).first(where: fits).map { [$0] } ?? []
  }

  private func fits(_ remedy: Remedy) -> Bool { (try? memory(remedy))?.fits ?? false }

  /// Whether the changed plan fits.
  package func memory(_ remedy: Remedy) throws(PlanError) -> MemoryFit {
    try changed(by: remedy).memory(remedy.plan)
  }

  private func seconds(_ remedy: Remedy) -> Double {
    (try? changed(by: remedy).step(remedy.plan).seconds) ?? .infinity
  }

  private func changed(by remedy: Remedy) -> PlanEstimator {
    remedy.availableMemoryProportion.map { with(availableMemoryProportion: $0) } ?? self
  }

  private func smallerProportions(_ plan: ParallelPlan) -> [Remedy] {
    let shares = [0.4, 0.28, 0.2, 0.15, 0.1, 0.05].filter { $0 < availableMemoryProportion }
    return shares.map { share in
      Remedy(
        plan: plan, availableMemoryProportion: share,
        description: "available_memory_proportion \(share) instead of \(availableMemoryProportion)"
      )
    }
  }

  private func smallerMicroBatches(_ plan: ParallelPlan) -> [Remedy] {
    (1..<max(1, plan.microBatchSize)).reversed().compactMap { size in
      respread(plan, tensorParallel: plan.tensorParallel, microBatchSize: size).map {
        Remedy(
          plan: $0, description: "micro_batch_size \(size) instead of \(plan.microBatchSize)")
      }
    }
  }

  private func moreBlocks(_ plan: ParallelPlan) -> [Remedy] {
    var remedies: [Remedy] = []
    var blocks = plan.attentionSerialisation
    while blocks <= model.sequenceLength / 2 {
      blocks *= 2
      var changed = plan
      changed.attentionSerialisation = blocks
      remedies.append(
        Remedy(
          plan: changed,
          description: "attention_serialisation \(blocks) instead of \(plan.attentionSerialisation)"
        ))
    }
    return remedies
  }

  private func moreChunks(_ plan: ParallelPlan) -> [Remedy] {
    var remedies: [Remedy] = []
    var changed = plan
    while true {
      changed.headSerialisation *= 2
      guard changed.illegality(for: model) == nil else { return remedies }
      remedies.append(
        Remedy(
          plan: changed,
          description: "head_serialisation \(changed.headSerialisation) instead of "
            + "\(plan.headSerialisation)"))
    }
  }

  private func widerTensorParallelism(_ plan: ParallelPlan) -> [Remedy] {
    let widest = min(model.heads, topology.ipus)
    guard plan.tensorParallel < widest else { return [] }
    return (plan.tensorParallel + 1...widest).compactMap { width in
      respread(plan, tensorParallel: width, microBatchSize: plan.microBatchSize).map {
        Remedy(
          plan: $0,
          description: "tensor_parallel \(width), data_parallel \($0.dataParallel) instead of "
            + "\(plan.tensorParallel), \(plan.dataParallel)")
      }
    }
  }

  /// Fewer micro-batches in a step, so that fewer activations wait in streaming memory.
  private func smallerGlobalBatches(_ plan: ParallelPlan) -> [Remedy] {
    var remedies: [Remedy] = []
    var changed = plan
    while changed.gradientAccumulation > 1 {
      changed.gradientAccumulation /= 2
      let batch = changed.globalBatchSize
      remedies.append(
        Remedy(
          plan: changed,
          description: "global_batch_size \(batch) instead of \(plan.globalBatchSize)"))
    }
    return remedies
  }

  /// The same global batch at another width: as many replicas as the topology has room for, or fewer.
  private func respread(
    _ plan: ParallelPlan, tensorParallel: Int, microBatchSize: Int
  ) -> ParallelPlan? {
    let ipus = topology.ipus / (tensorParallel * plan.pipelineParallel)
    let room = max(1, min(plan.dataParallel, ipus))
    for replicas in (1...room).reversed() {
      let unit = replicas * microBatchSize
      guard plan.globalBatchSize % unit == 0 else { continue }
      var changed = plan
      changed.tensorParallel = tensorParallel
      changed.dataParallel = replicas
      changed.microBatchSize = microBatchSize
      changed.gradientAccumulation = plan.globalBatchSize / unit
      if changed.illegality(for: model) == nil { return changed }
    }
    return nil
  }
}
