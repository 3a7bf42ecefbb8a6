import Emulator
import FineTuning
import GPTJ
import Program
import Reporting

/// What is kept of every step, in the order and under the names of its files.
///
/// `Loss`, `LR` and `Throughput`, in sequences a second, are the names under which the reference
/// logs to W&B (Graphcore examples, nlp/gpt_j/popxl); the others it does not log.
struct StepMetrics {
  /// From 1.
  let step: Int
  private(set) var scalars: [(tag: String, value: Double)]

  /// `peak` is the FLOP/s of all workers together, `remainingSeconds` what is left until the last
  /// step at the speed so far.
  init(
    _ update: Trainer.Update, of training: TrainingStep, peak: Double, remainingSeconds: Double
  ) {
    let sequences = Double(update.tokens) / Double(training.model.sequenceLength)
    step = update.step
    scalars = [
      ("Loss", update.loss), ("LR", update.learningRate),
      ("Throughput", sequences / update.measured.seconds), ("grad_norm", update.gradientNorm),
      ("tokens_per_second", update.tokensPerSecond),
      ("share_of_peak", update.shareOfPeak(training, peak: peak)),
      ("step_seconds", update.measured.seconds), ("remaining_seconds", remainingSeconds),
    ]
    if training.elementType == .float16 {
      scalars += [("loss_scale", update.lossScale), ("skipped", update.isSkipped ? 1 : 0)]
    }
    scalars += update.measured.phases.map {
      ("phase_seconds/\($0.name)", $0.seconds(workers: update.measured.workers))
    }
    guard let disk = update.measured.disk else { return }
    scalars += [
      ("disk_read_bytes", Double(disk.readBytes)),
      ("disk_written_bytes", Double(disk.writtenBytes)),
      ("disk_wait_share", update.measured.diskShare),
    ]
  }
}

extension Trainer.Update {
  /// Model FLOPs of the step over its time, as a share of `peak` in FLOP/s.
  func shareOfPeak(_ step: TrainingStep, peak: Double) -> Double {
    Double(step.modelFlops(tokens: tokens)) / measured.seconds / max(peak, 1)
  }
}

extension EventFile {
  /// - Throws: `ReportingError` when the disk is full.
  func append(_ metrics: StepMetrics) throws(ReportingError) {
    try append(step: metrics.step, metrics.scalars)
  }
}
