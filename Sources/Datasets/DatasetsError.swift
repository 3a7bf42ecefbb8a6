/// What can be wrong with data from outside: a file, a size, a vocabulary.
package enum DatasetsError: Error, Equatable, CustomStringConvertible {
  /// A file cannot be opened or read; the text says why.
  case unreadable(file: String, reason: String)
  /// A file or directory cannot be made; the text says why.
  case unwritable(file: String, reason: String)
  /// A line of a file does not say what it must; `line` counts from 1.
  case malformed(file: String, line: Int, problem: String)
  /// A part of a file that has no lines does not say what it must.
  case damaged(file: String, place: String, problem: String)
  /// The embedded pairs do not fit the configured task.
  case embeddedTask(String)
  /// Vocabulary and merges are each well formed but do not belong together.
  case inconsistentVocabulary(String)
  /// The packed sequences do not fill one global batch.
  case tooFewSequences(have: Int, globalBatch: Int, sequenceLength: Int)

  package var description: String {
    switch self {
    case .unreadable(let file, let reason), .unwritable(let file, let reason):
      "\(file): \(reason)"
    case .malformed(let file, let line, let problem):
      "\(file):\(line): \(Self.shortened(problem))"
    case .damaged(let file, let place, let problem):
      "\(file): \(place): \(problem)"
    case .embeddedTask(let problem):
      "the embedded pairs \(problem)"
    case .inconsistentVocabulary(let problem):
      "vocabulary: \(Self.shortened(problem))"
    case .tooFewSequences(let have, let globalBatch, let sequenceLength):
      """
      the data pack into \(have) sequences of \(sequenceLength) tokens, but one global batch needs \
      \(globalBatch): \(globalBatch - have) are missing, about \
      \(UInt64(globalBatch - have) * (UInt64(sequenceLength) + 1)) tokens; give more examples, or \
      lower the global batch or the sequence length
      """
    }
  }

  /// What a problem quotes from a file may be megabytes long.
  private static func shortened(_ problem: String) -> String {
    let limit = 300
    guard problem.unicodeScalars.count > limit else { return problem }
    return String(problem.unicodeScalars.prefix(limit)) + "..."
  }
}
