import FoundationEssentials
import Glibc
import Reporting

/// One JSON object a line for every step, for W&B, MLflow or a notebook to read; fields as
/// ``StepMetrics`` has them.
final class MetricsFile {
  private let stream: StandardStream
  private let descriptor: CInt

  /// Makes the file, replacing what was there, or goes on with it.
  ///
  /// A run that is resumed at a step keeps the lines of the steps before, and drops what an
  /// interrupted run wrote of later ones, the torn last line among it.
  ///
  /// - Throws: `OutputFileError` naming the file.
  init(path: String, resumingAt step: Int? = nil) throws(OutputFileError) {
    let kept = step.map { Self.bytes(of: path, before: $0) } ?? 0
    let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0, Self.truncate(descriptor, to: kept) else {
      let error = OutputFileError(path: path)
      if descriptor >= 0 { close(descriptor) }
      throw error
    }
    self.descriptor = descriptor
    stream = StandardStream(descriptor: descriptor, name: path)
  }

  deinit { close(descriptor) }

  /// - Throws: `ReportingError` when the disk is full.
  func append(_ metrics: StepMetrics) throws(ReportingError) {
    let fields = metrics.scalars.map { scalar in #""\#(scalar.tag)":\#(number(scalar.value))"# }
    try stream.write(#"{"step":\#(metrics.step),\#(fields.joined(separator: ","))}"# + "\n")
  }

  /// JSON has no NaN and no infinity.
  private func number(_ value: Double) -> String { value.isFinite ? "\(value)" : "null" }

  /// A pipe or a device has no length, and nothing in it to replace.
  private static func truncate(_ descriptor: CInt, to length: Int) -> Bool {
    ftruncate(descriptor, length) == 0 || errno == EINVAL
  }

  /// Bytes of the whole lines at the file's start that are of steps before this one.
  private static func bytes(of path: String, before step: Int) -> Int {
    guard let data = try? Data(contentsOf: URL(filePath: path)) else { return 0 }
    struct Line: Decodable { let step: Int }
    var end = 0
    while let newline = data[end...].firstIndex(of: 0x0A) {
      guard let line = try? JSONDecoder().decode(Line.self, from: data[end..<newline]),
        line.step < step
      else { break }
      end = newline + 1
    }
    return end
  }
}
