import CostModel
package import GPTJ
import Topology

/// A change to a plan that does not fit a topology, after which it does.
package struct Remedy: Sendable, Equatable, CustomStringConvertible {
  package let plan: ParallelPlan
  package let description: String
}

extension PlanEstimator {
  /// The smallest change of each kind that makes a plan fit, in the order in which to try them: a
  /// smaller micro-batch, more attention blocks, wider tensor parallelism.
  ///
  /// Only where none of them is enough: wider and smaller together, then a smaller global batch.
  /// Each keeps to the topology's IPUs. Empty where nothing helps.
  package func remedies(for plan: ParallelPlan) -> [Remedy] {
    let kinds = [smallerMicroBatches(plan), moreBlocks(plan), widerTensorParallelism(plan)]
    let alone = kinds.compactMap { $0.first(where: fits) }
    guard alone.isEmpty else { return alone }
    let together = widerTensorParallelism(plan).flatMap { wider in
      smallerMicroBatches(wider.plan).map { both in
        Remedy(plan: both.plan, description: "\(wider.description) and \(both.description)")
      }
    }
    return (together + smallerGlobalBatches(plan)).first(where: fits).map { [$0] } ?? []
  }

  private func fits(_ remedy: Remedy) -> Bool {
    (try? memory(remedy.plan))?.fits ?? false
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
    let room = max(1, min(plan.dataParallel, topology.ipus / tensorParallel))
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
