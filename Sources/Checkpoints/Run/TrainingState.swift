import FoundationEssentials
import Glibc

/// Where a training run stands, beside its weights and moments: `trainer_state.json`.
///
/// `global_step` and `max_steps` are the names of transformers' file. The sizes are what the position
/// in the data depends on; nothing depends on the plan.
package struct TrainingState: Codable, Equatable, Sendable {
  package var schemaVersion = 1
  /// Updates done.
  package var globalStep: Int
  /// Updates that the run was to do.
  package var maxSteps: Int
  package var seed: Int
  package var globalBatchSize: Int
  package var sequenceLength: Int
  /// Where the loss scale stands; nil in files of runs that had none.
  package var lossScaling: LossScaling?
  /// The CRC-32 of each tensor of each file.
  package internal(set) var checksums: [String: [String: UInt32]] = [:]

  /// A loss scale, and what it depends on.
  package struct LossScaling: Codable, Equatable, Sendable {
    package var scale: Double
    /// Since it changed last.
    package var finiteSteps: Int
    /// All steps so far whose gradient was not finite, so that they changed nothing.
    package var skippedSteps: Int

    private enum CodingKeys: String, CodingKey {
      case scale
      case finiteSteps = "finite_steps"
      case skippedSteps = "skipped_steps"
    }

    package init(scale: Double, finiteSteps: Int = 0, skippedSteps: Int = 0) {
      self.scale = scale
      self.finiteSteps = finiteSteps
      self.skippedSteps = skippedSteps
    }
  }

  static let file = "trainer_state.json"

  private enum CodingKeys: String, CodingKey {
    case schemaVersion = "schema_version"
    case globalStep = "global_step"
    case maxSteps = "max_steps"
    case seed
    case globalBatchSize = "global_batch_size"
    case sequenceLength = "sequence_length"
    case lossScaling = "loss_scaling"
    case checksums = "crc32"
  }

  package init(
    globalStep: Int, maxSteps: Int, seed: Int, globalBatchSize: Int, sequenceLength: Int,
    lossScaling: LossScaling? = nil
  ) {
    self.globalStep = globalStep
    self.maxSteps = maxSteps
    self.seed = seed
    self.globalBatchSize = globalBatchSize
    self.sequenceLength = sequenceLength
    self.lossScaling = lossScaling
  }
}

extension TrainingState {
  /// The file has a line of 80 bytes for each tensor; 6B models have 855 with their moments.
  private static let byteLimit = 1 << 24

  /// - Throws: `CheckpointError` for what is no such file, or of a later version.
  init(path: String) throws(CheckpointError) {
    let bytes = try FileDescriptor.contents(of: path, limit: Self.byteLimit)
    do {
      self = try JSONDecoder().decode(TrainingState.self, from: Data(bytes))
    } catch DecodingError.keyNotFound(let key, _) {
      throw .configuration(
        file: path, key: key.stringValue, found: "missing", expected: "a number")
    } catch {
      throw .malformedHeader(
        file: path, byte: 0, expected: "the JSON object that a training run writes")
    }
    guard schemaVersion == 1 else {
      throw .configuration(
        file: path, key: "schema_version", found: "\(schemaVersion)", expected: "1")
    }
    // The limit of `training.steps`: what is counted from it stays within 64 bits.
    guard (0...1_000_000_000).contains(globalStep) else {
      throw .configuration(
        file: path, key: "global_step", found: "\(globalStep)", expected: "from 0 to 1000000000")
    }
    try lossScaling?.check(path, steps: globalStep)
  }

  func write(to path: String) throws(CheckpointError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    guard let data = try? encoder.encode(self) else {
      preconditionFailure("a training state has numbers and names only")
    }
    try writeNewFile(String(decoding: data, as: UTF8.self) + "\n", to: path)
  }
}

extension TrainingState.LossScaling {
  /// - Throws: `CheckpointError` for what no run writes.
  fileprivate func check(_ path: String, steps: Int) throws(CheckpointError) {
    guard scale.isFinite, scale > 0 else {
      throw .configuration(
        file: path, key: "loss_scaling.scale", found: "\(scale)", expected: "above 0")
    }
    for (key, value) in [("finite_steps", finiteSteps), ("skipped_steps", skippedSteps)]
    where !(0...steps).contains(value) {
      throw .configuration(
        file: path, key: "loss_scaling.\(key)", found: "\(value)",
        expected: "from 0 to global_step, \(steps)")
    }
  }
}
