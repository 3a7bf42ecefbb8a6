import Emulator
import FineTuning
import Glibc
import Reporting

/// One JSON object a line for every step, for W&B, MLflow or a notebook to read.
///
/// Loss, LR and Throughput are the names of the reference's notebook.
final class MetricsFile {
  private let stream: StandardStream
  private let descriptor: CInt

  /// Makes the file, replacing what was there.
  ///
  /// - Throws: `OutputFileError` naming the file.
  init(path: String) throws(OutputFileError) {
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw OutputFileError(path: path)
    }
    stream = StandardStream(descriptor: descriptor, name: path)
  }

  deinit { close(descriptor) }

  /// - Throws: `ReportingError` when the disk is full.
  func append(_ update: Trainer.Update) throws {
    try stream.write(
      #"{"step":\#(update.step),"Loss":\#(number(update.loss)),"#
        + #""grad_norm":\#(number(update.gradientNorm)),"LR":\#(number(update.learningRate)),"#
        + #""Throughput":\#(number(update.tokensPerSecond)),"#
        + #""step_seconds":\#(number(update.measured.seconds))}"# + "\n")
  }

  /// JSON has no NaN and no infinity.
  private func number(_ value: Double) -> String { value.isFinite ? "\(value)" : "null" }
}
