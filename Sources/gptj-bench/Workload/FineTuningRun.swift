import ArgumentParsing
import Checkpoints
import Configuration
import Datasets
import Emulator
import FineTuning
import GPTJ
import Reporting

/// A fine-tuning run, from its first step or from a checkpoint: model, data, and what it leaves behind.
final class FineTuningRun {
  let trainer: Trainer
  let task: TrainingTask
  /// Where checkpoints go; nil for a run that keeps none.
  let folder: RunFolder?
  private let setup: HostSetup
  private var batches: TrainingBatches
  private let runLog: RunLog
  private let samples: UpdateSampleFile?
  /// Steps that were done before, and when the first one after them could begin.
  private let firstStep: Int
  private let start: ContinuousClock.Instant
  private var lastSaved: Int?

  /// Reads what the files are, sets the model up, and says what the run will need.
  ///
  /// - Throws: What is wrong with configuration, data, model, plan, folder or this machine.
  init(
    _ configuration: FineTuningConfiguration, _ files: FinetuneFiles,
    _ pretrained: HuggingFaceDirectory?, _ adapter: PEFTAdapter?, setup: HostSetup, _ log: Log
  ) throws {
    self.setup = setup
    task = try files.task(configuration, log)
    try task.check(configuration)
    folder = try configuration.checkpoint.save.map { try RunFolder(path: $0) }
    let checkpoint = try Self.start(configuration.checkpoint, folder, resumes: files.resume)
    trainer = try Trainer(configuration, setup.trainerOptions)
    let needs = RunNeeds(
      trainer, folder: folder?.path, export: files.export,
      done: checkpoint?.state.globalStep ?? 0)
    try needs.check()
    log.info(needs.text)
    if let checkpoint {
      try trainer.resume(checkpoint)
      log.info("goes on after step \(trainer.updates), from \(checkpoint.path)")
    } else {
      if let pretrained {
        try trainer.load(pretrained)
      } else {
        trainer.initialize(RandomWeights(configuration.model))
      }
      if let adapter { try trainer.load(adapter) }
    }
    lastSaved = try folder?.checkpoints.last?.step
    // Passing over embedded data takes time, which a run that is over needs not spend.
    batches = try task.batches(
      configuration, startingAt: min(trainer.updates, configuration.training.steps))
    runLog = try RunLog(
      folder: folder?.path, file: files.metrics,
      resumingAt: files.resume || checkpoint != nil ? trainer.updates + 1 : nil)
    samples = try files.sampleUpdates.map { try UpdateSampleFile(path: $0) }
    if let folder {
      try writeFile(configuration.printYAML(), to: "\(folder.path)/config.yml")
    }
    firstStep = trainer.updates
    start = .now
    logData(log)
  }

  var isDone: Bool { trainer.updates >= trainer.configuration.training.steps }

  /// One update on the next batch.
  ///
  /// - Throws: `EmulatorError` where the disk fails, `ReportingError` where samples cannot be written.
  func step() throws -> Trainer.Update {
    let batch = batches.next()
    guard let samples else { return try trainer.update(on: batch) }
    let (update, elements) = try trainer.sampledUpdate(on: batch)
    try samples.append(elements)
    return update
  }

  /// Writes the update's metrics; `peak` is the FLOP/s of all workers together.
  ///
  /// - Returns: What to tell where they cannot be written any more.
  func record(_ update: Trainer.Update, peak: Double) -> String? {
    let left = trainer.configuration.training.steps - update.step
    let seconds = start.duration(to: .now) / .seconds(1) / Double(update.step - firstStep)
    return runLog.append(
      StepMetrics(
        update, of: trainer.step, peak: peak, remainingSeconds: seconds * Double(left)))
  }

  /// Saves a checkpoint where the configuration wants one after this step.
  ///
  /// - Throws: `CheckpointError` or `DatasetsError`; older checkpoints are all there then.
  func saveIfDue() throws {
    let interval = trainer.configuration.checkpoint.steps
    if interval > 0, trainer.updates.isMultiple(of: interval) { try saveLast() }
  }

  /// Saves a checkpoint of the last step, unless it is there.
  ///
  /// - Throws: As `saveIfDue`.
  func saveLast() throws {
    guard let folder, lastSaved != trainer.updates else { return }
    try trainer.save(in: folder, tokenizer: task.tokenizer)
    lastSaved = trainer.updates
  }

  /// How the held-out pairs are answered now.
  ///
  /// - Throws: As `Trainer.evaluate`.
  func answers(count: Int, ranksLabels: Bool = false) throws -> [EvaluationResult] {
    try task.heldOut(count: count).map { split in
      EvaluationResult(
        split.name,
        try trainer.evaluate(
          Questions(split.examples, labels: split.labels), tokenizer: task.tokenizer,
          ranksLabels: ranksLabels, setup.emulatorOptions))
    }
  }

  /// What was read, packed and left out; a file's only.
  private func logData(_ log: Log) {
    guard let packed = batches.packed else { return }
    log.info(
      "\(Format.grouped(packed.examples)) examples (\(packed.skipped) without a label skipped), "
        + "\(Format.grouped(packed.tokens)) tokens: \(Format.grouped(packed.sequences)) sequences, "
        + "\(Format.grouped(packed.droppedTokens)) tokens dropped")
  }

  /// The checkpoint that the run starts from: its own newest, or one that the configuration names.
  private static func start(
    _ configuration: CheckpointConfiguration, _ folder: RunFolder?, resumes: Bool
  ) throws -> TrainingCheckpoint? {
    if let newest = try folder?.checkpoints.last {
      guard resumes else {
        throw ValidationError(
          "\(newest.path) is there from an earlier run: --resume goes on with it, "
            + "another --output starts anew")
      }
      return try TrainingCheckpoint(path: newest.path)
    }
    guard folder != nil || !resumes else {
      throw ValidationError("--resume needs the run's folder, --output")
    }
    return try configuration.load.map { try TrainingCheckpoint(path: $0) }
  }
}
