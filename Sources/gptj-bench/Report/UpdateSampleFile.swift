import FineTuning
import Glibc
import Reporting

/// One JSON object a line for every sampled element of every update, for `Scripts/check-updates`.
final class UpdateSampleFile {
  private let stream: StandardStream

  /// Makes the file, replacing what was there.
  ///
  /// - Throws: `OutputFileError` naming the file.
  init(path: String) throws(OutputFileError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw OutputFileError(path: path) }
    stream = StandardStream(descriptor: descriptor, name: path)
  }

  deinit { close(stream.descriptor) }

  /// - Throws: `ReportingError` when the disk is full.
  func append(_ samples: [UpdateSample]) throws(ReportingError) {
    for sample in samples {
      try stream.write(JSONDocument(sample, schemaVersion: 1).text(compact: true))
    }
  }
}
