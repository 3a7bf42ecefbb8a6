import Glibc

/// A training run as it was after one step.
///
/// It is a Hugging Face directory with the optimizer's moments beside it in `optimizer.safetensors`, and
/// `trainer_state.json`. A run that trains adapters has them beside the weights, in peft's files.
/// All tensors are whole, under Hugging Face's names: a checkpoint does not know the plan it came from.
package struct TrainingCheckpoint: Sendable {
  package let path: String
  package let state: TrainingState
  /// The weights; `from_pretrained` reads them too.
  package let directory: HuggingFaceDirectory
  /// Nil for a run that trains the weights themselves.
  package let adapter: PEFTAdapter?
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
    let path = try RunFolder.modelPath(path)
    guard Self.isThere(path) else {
      throw .missing(
        path: path, expected: "a checkpoint of a training run, or a run's folder with some")
    }
    self.path = path
    state = try TrainingState(path: "\(path)/\(TrainingState.file)")
    directory = try HuggingFaceDirectory(path: path)
    adapter = PEFTAdapter.isThere(path) ? try PEFTAdapter(path: path) : nil
    try adapter?.check(directory.config)
    let moments = "\(path)/\(Self.optimizerFile)"
    optimizer = access(moments, F_OK) == 0 ? try SafetensorsFile(path: moments) : nil
  }

  /// Whether a directory is a training run's checkpoint and not only a model.
  package static func isThere(_ path: String) -> Bool {
    access("\(path)/\(TrainingState.file)", F_OK) == 0
  }

  /// False for a run that does not save the optimizer's state.
  package var hasOptimizer: Bool { optimizer != nil }

  /// One weight, compared with its checksum.
  ///
  /// - Throws: `CheckpointError` naming the file and the tensor.
  package func weight(_ name: String) throws(CheckpointError) -> [Float] {
    try verified(try directory.floats(of: name), name, Self.weightsFile)
  }

  /// One matrix of an adapter, by its name without peft's prefix, compared with its checksum.
  ///
  /// - Throws: `CheckpointError` naming the file and the tensor, also where there is no adapter.
  package func adapterWeight(_ name: String) throws(CheckpointError) -> [Float] {
    guard let adapter else {
      throw .missing(path: "\(path)/\(PEFTAdapter.weightsName)", expected: "an adapter's weights")
    }
    return try verified(
      try adapter.floats(of: name), PEFTAdapter.prefix + name, PEFTAdapter.weightsName)
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
    let expected = state.checksums[file]?[name]
    // Of the bytes in the file, which has either.
    guard
      expected == checksum(of: values)
        || expected == checksum(of: values.map(FloatType.float16.bits))
    else {
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
    /// A tensor as it is, by its name: of the model, or of an adapter without peft's prefix.
    package var weight: (_ name: String) -> [Float]
    /// What the weights are in memory and, being exact, in the file.
    package var weightType: FloatType
    package var adapter: (config: PEFTConfig, tensors: [TensorShape])?
    /// What the optimizer updates.
    package var trained: [TensorShape]
    /// Nil to leave the optimizer's state out.
    package var moment: ((_ moment: Moment, _ name: String) -> [Float])?

    package init(
      weight: @escaping (String) -> [Float], weightType: FloatType = .float32,
      adapter: (config: PEFTConfig, tensors: [TensorShape])? = nil, trained: [TensorShape],
      moment: ((Moment, String) -> [Float])?
    ) {
      self.weight = weight
      self.weightType = weightType
      self.adapter = adapter
      self.trained = trained
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
      folder, config, as: source.weightType, endOfText: endOfText
    ) { source.weight($0) }
    if let (config, tensors) = source.adapter {
      state.checksums[PEFTAdapter.weightsName] = try PEFTAdapter.fill(
        folder, config, tensors, base: nil
      ) { source.weight($0) }
    }
    if let moment = source.moment {
      state.checksums[optimizerFile] = try write(moment, of: source.trained, to: folder)
    }
    try state.write(to: "\(folder)/\(TrainingState.file)")
  }

  private static func write(
    _ moment: (_ moment: Moment, _ name: String) -> [Float], of tensors: [TensorShape],
    to folder: String
  ) throws(CheckpointError) -> [String: UInt32] {
    var shapes: [TensorShape] = []
    var origins: [String: (Moment, String)] = [:]
    for each in Moment.allCases {
      for tensor in tensors {
        shapes.append(TensorShape(name: each.name(tensor.name), shape: tensor.shape))
        origins[each.name(tensor.name)] = (each, tensor.name)
      }
    }
    return try SafetensorsWriter.write(shapes, to: "\(folder)/\(optimizerFile)") { name in
      origins[name].map { moment($0.0, $0.1) } ?? []
    }
  }
}
