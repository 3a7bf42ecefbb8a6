/// One global batch, row after row: `[globalBatch][sequence]`.
package struct Batch: Equatable, Sendable {
  package let ids: [Int32]
  /// Shifted already: label `t` is the id that follows id `t`.
  package let labels: [Int32]

  package init(ids: [Int32], labels: [Int32]) {
    precondition(ids.count == labels.count, "\(ids.count) ids and \(labels.count) labels")
    self.ids = ids
    self.labels = labels
  }
}

/// Global batches in a shuffled order that depends on seed and epoch alone: `torch.randperm` after
/// `torch.manual_seed(seed + epoch)`, as the reference's sampler draws it.
///
/// A batch is found by its step: a resumed run needs nothing but the step, and the order does not
/// depend on ranks. The last sequences of an epoch that do not fill a batch wait for another epoch.
package struct BatchSampler: Sendable {
  package let sequences: PackedSequences
  package let globalBatch: Int
  package let batchesPerEpoch: Int

  private let seed: UInt64
  private var shuffled: (epoch: Int, order: [Int])?

  /// The seed of the reference's data loader, whatever the model's is (Graphcore examples,
  /// nlp/gpt_j/popxl, `StatefulDataLoader`).
  package static let referenceSeed: UInt64 = 47

  /// - Throws: `tooFewSequences` when there is not one whole global batch.
  package init(
    _ sequences: PackedSequences, globalBatch: Int, seed: UInt64 = Self.referenceSeed
  ) throws(DatasetsError) {
    precondition(globalBatch > 0, "a global batch has at least one sequence")
    guard sequences.count >= globalBatch else {
      throw .tooFewSequences(
        have: sequences.count, globalBatch: globalBatch,
        sequenceLength: sequences.packing.sequenceLength)
    }
    self.sequences = sequences
    self.globalBatch = globalBatch
    self.seed = seed
    batchesPerEpoch = sequences.count / globalBatch
  }

  /// The batch of `step`, counted from 0 over all epochs.
  package mutating func batch(at step: Int) -> Batch {
    let rows = rows(at: step)
    return Batch(
      ids: rows.flatMap { sequences.input($0) }, labels: rows.flatMap { sequences.labels($0) })
  }

  /// Which sequences the batch of `step` holds, in order.
  package mutating func rows(at step: Int) -> ArraySlice<Int> {
    precondition(step >= 0, "steps count from 0")
    let start = step % batchesPerEpoch * globalBatch
    return order(ofEpoch: step / batchesPerEpoch)[start..<(start + globalBatch)]
  }

  /// Remembered as long as its epoch lasts.
  private mutating func order(ofEpoch epoch: Int) -> [Int] {
    if let shuffled, shuffled.epoch == epoch { return shuffled.order }
    // PyTorch seeds its twister with the lower 32 bits.
    let seed = UInt32(truncatingIfNeeded: seed &+ UInt64(epoch))
    let order = torchPermutation(count: sequences.count, seed: seed)
    shuffled = (epoch, order)
    return order
  }
}
