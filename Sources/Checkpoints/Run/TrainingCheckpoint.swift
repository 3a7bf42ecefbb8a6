import Glibc

/// A training run as it was after one step: a Hugging Face directory, the optimizer's moments beside it
/// in `optimizer.safetensors`, and `trainer_state.json`.
///
/// All tensors are whole, under Hugging Face's names: a checkpoint does not know the plan it came from.
package struct TrainingCheckpoint: Sendable {
  package let path: String
  package let state: TrainingState
  /// The weights; `from_pretrained` reads them too.
  package let directory: HuggingFaceDirectory
  private let optimizer: SafetensorsFile?

  /// AdamW's running means; the names that torch gives them.
  package enum Moment: String, CaseIterable, Sendable {
    case first = "exp_avg"
    case second = "exp_avg_sq"

    func name(_ tensor: String) -> String { "\(rawValue).\(tensor)" }
  }

  private static let weightsFile = "model.safetensors"
  private static let optimizerFile = "optimizer.safetensors"

  /// Opens a checkpoint, or the newest one of a run's folder; tensors are read when they are asked for.
  ///
  /// - Throws: `CheckpointError` naming what is missing or contradicts itself.
  package init(path: String) throws(CheckpointError) {
    var path = path
    if access("\(path)/\(TrainingState.file)", F_OK) != 0 {
      guard let newest = try RunFolder.checkpoints(in: path).last else {
        throw .missing(
          path: path, expected: "a checkpoint of a training run, or a run's folder with some")
      }
      path = newest.path
    }
    self.path = path
    state = try TrainingState(path: "\(path)/\(TrainingState.file)")
    directory = try HuggingFaceDirectory(path: path)
    let moments = "\(path)/\(Self.optimizerFile)"
    optimizer = access(moments, F_OK) == 0 ? try SafetensorsFile(path: moments) : nil
  }

  /// False for a run that does not save the optimizer's state.
  package var hasOptimizer: Bool { optimizer != nil }

  /// One weight, compared with its checksum.
  ///
  /// - Throws: `CheckpointError` naming the file and the tensor.
  package func weight(_ name: String) throws(CheckpointError) -> [Float] {
    try verified(try directory.floats(of: name), name, Self.weightsFile)
  }

  /// One weight's running mean, compared with its checksum.
  ///
  /// - Throws: `CheckpointError` naming the file and the tensor, also where there is no optimizer.
  package func moment(_ moment: Moment, of name: String) throws(CheckpointError) -> [Float] {
    guard let optimizer else {
      throw .missing(
        path: "\(path)/\(Self.optimizerFile)",
        expected: "the optimizer's state, which this run did not save (checkpoint.optim_state)")
    }
    let name = moment.name(name)
    return try verified(try optimizer.floats(of: name), name, Self.optimizerFile)
  }

  private func verified(
    _ values: [Float], _ name: String, _ file: String
  ) throws(CheckpointError) -> [Float] {
    guard state.checksums[file]?[name] == checksum(of: values) else {
      throw .malformedTensor(
        file: "\(path)/\(file)", tensor: name,
        expected: "the values that were saved: they differ from their CRC-32 in "
          + TrainingState.file)
    }
    return values
  }
}

extension TrainingCheckpoint {
  /// Where a checkpoint's tensors come from when it is written; each is asked for once.
  package struct Source {
    package var weight: (_ name: String) -> [Float]
    /// Nil to leave the optimizer's state out.
    package var moment: ((_ moment: Moment, _ name: String) -> [Float])?

    package init(
      weight: @escaping (String) -> [Float], moment: ((Moment, String) -> [Float])?
    ) {
      self.weight = weight
      self.moment = moment
    }
  }

  /// Fills a folder with a checkpoint's files.
  static func fill(
    _ folder: String, _ config: GPTJConfig, _ state: TrainingState, endOfText: Int,
    _ source: Source
  ) throws(CheckpointError) {
    var state = state
    state.checksums[weightsFile] = try HuggingFaceDirectory.fill(
      folder, config, endOfText: endOfText
    ) { source.weight($0) }
    if let moment = source.moment {
      var tensors: [TensorShape] = []
      var origins: [String: (Moment, String)] = [:]
      for each in Moment.allCases {
        for tensor in config.tensors {
          tensors.append(TensorShape(name: each.name(tensor.name), shape: tensor.shape))
          origins[each.name(tensor.name)] = (each, tensor.name)
        }
      }
      state.checksums[optimizerFile] = try SafetensorsWriter.write(
        tensors, to: "\(folder)/\(optimizerFile)"
      ) { name in origins[name].map { moment($0.0, $0.1) } ?? [] }
    }
    try state.write(to: "\(folder)/\(TrainingState.file)")
  }
}
