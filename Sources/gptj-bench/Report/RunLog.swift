import Reporting

/// What a run writes of each step: `metrics.jsonl` and TensorBoard's events.
final class RunLog {
  private var metrics: MetricsFile?
  private var events: EventFile?

  /// Makes the files, or goes on with them.
  ///
  /// - Parameters:
  ///   - folder: The run's; nil for a run without.
  ///   - file: Of the metrics; the folder's `metrics.jsonl` unless it is given.
  ///   - step: The first step to come of a run that is resumed.
  /// - Throws: `OutputFileError` or `ReportingError` naming the file.
  init(folder: String?, file: String?, resumingAt step: Int?) throws {
    metrics = try (file ?? folder.map { "\($0)/metrics.jsonl" }).map {
      try MetricsFile(path: $0, resumingAt: step)
    }
    events = try folder.map { try EventFile(folder: $0, resumingAt: step) }
  }

  /// Writes the metrics of one step.
  ///
  /// - Returns: What to tell where a file cannot be written any more: the model is worth more.
  func append(_ step: StepMetrics) -> String? {
    do {
      try metrics?.append(step)
      try events?.append(step)
      return nil
    } catch {
      (metrics, events) = (nil, nil)
      return "\(error); no more metrics are written"
    }
  }
}
