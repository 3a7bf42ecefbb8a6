package import Checkpoints
import Configuration
package import Datasets
import Emulator
import GPTJ
import Program

/// Stopping and going on.
extension Trainer {
  /// Where the run stands, as a checkpoint keeps it.
  package var state: TrainingState {
    TrainingState(
      globalStep: updates, maxSteps: configuration.training.steps, seed: configuration.model.seed,
      globalBatchSize: configuration.training.globalBatchSize,
      sequenceLength: configuration.model.sequenceLength, lossScaling: lossScaling.state)
  }

  /// Saves weights, moments (with `checkpoint.optim_state`) and tokenizer as `checkpoint-STEP`.
  ///
  /// - Returns: Its path.
  /// - Throws: `CheckpointError` or `DatasetsError`; older checkpoints are all there then.
  @discardableResult
  package func save(in folder: RunFolder, tokenizer: Tokenizer) throws -> String {
    let parameters = transfer.parameters
    let moment = { (moment: TrainingCheckpoint.Moment, name: String) -> [Float] in
      self.transfer.values(of: name, suffix: moment.suffix, from: self.emulator)
    }
    return try folder.save(
      GPTJConfig(configuration.model), state, endOfText: Int(tokenizer.endOfTextID),
      toKeep: configuration.checkpoint.toKeep,
      TrainingCheckpoint.Source(
        weight: { self.transfer.values(of: $0, from: self.emulator) },
        weightType: step.elementType == .float16 ? .float16 : .float32,
        adapter: step.lora.map { (PEFTConfig($0), transfer.shapes(parameters.adapters.all)) },
        trained: transfer.shapes(parameters.trained),
        moment: configuration.checkpoint.optimState ? moment : nil)
    ) { try tokenizer.write(to: $0) }
  }

  /// Takes weights, moments and the step from a checkpoint, whatever plan it came from.
  ///
  /// Under the plan that it came from, training goes on with the same bits. The learning rate is the
  /// configuration's, not the old run's.
  ///
  /// - Throws: `CheckpointError` when the model is another one, when a size on which the order of the
  ///   data depends has changed, or for a tensor that is not what was saved.
  package func resume(_ checkpoint: TrainingCheckpoint) throws {
    try checkpoint.directory.config.check(configuration.model, directory: checkpoint.path)
    try check(checkpoint.adapter, of: checkpoint)
    let saved = checkpoint.state
    for (key, found, expected) in [
      ("global_batch_size", saved.globalBatchSize, state.globalBatchSize),
      ("sequence_length", saved.sequenceLength, state.sequenceLength),
      ("seed", saved.seed, state.seed),
    ] where found != expected {
      throw CheckpointError.configuration(
        file: checkpoint.path + "/trainer_state.json", key: key, found: "\(found)",
        expected: "\(expected), as configured: the data would not go on where they stopped")
    }
    let parameters = transfer.parameters
    try transfer.write(parameters.ofModel, to: emulator) { name in try checkpoint.weight(name) }
    try transfer.write(parameters.adapters.all, to: emulator) { name in
      try checkpoint.adapterWeight(name)
    }
    for moment in TrainingCheckpoint.Moment.allCases {
      try transfer.write(parameters.trained, to: emulator, suffix: moment.suffix) { name in
        try checkpoint.moment(moment, of: name)
      }
    }
    updates = saved.globalStep
    if let saved = saved.lossScaling { lossScaling.resume(saved) }
  }

  /// - Throws: `CheckpointError` where one of both trains adapters and the other none, or other ones.
  private func check(
    _ adapter: PEFTAdapter?, of checkpoint: TrainingCheckpoint
  ) throws(CheckpointError) {
    guard (adapter != nil) == (step.lora != nil) else {
      throw .configuration(
        file: checkpoint.path, key: "its adapter", found: adapter == nil ? "none" : "there",
        expected: "lora as configured, with rank \(configuration.lora.rank)")
    }
    try adapter?.check(configuration)
  }
}

extension TrainingCheckpoint.Moment {
  /// The stem's suffix of its tensors in the Program.
  fileprivate var suffix: String {
    switch self {
    case .first: ".first_moment"
    case .second: ".second_moment"
    }
  }
}
