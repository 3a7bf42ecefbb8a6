import CostModel
import Reporting

/// The operations that cost most, for people.
struct ExplanationText {
  let explanation: Explanation
  let topology: String
  let terminal: Terminal

  private static let shown = 15

  func text() -> String {
    var table = Table([
      .init("phase"), .init("operation"), .init("shape"), .init("count", .right),
      .init("seconds", .right), .init("share", .right), .init("bound by"),
      .init("what would move it"),
    ])
    for entry in explanation.entries.prefix(Self.shown) {
      table.add([
        entry.phase, entry.operation, entry.shape, Format.grouped(entry.count),
        Format.fixed(entry.seconds, 3), Format.percent(entry.share), entry.bound.name,
        entry.remedy,
      ])
    }
    let rest = explanation.entries.dropFirst(Self.shown)
    let seconds = rest.reduce(0) { $0 + $1.seconds }
    return terminal.styled("What a step's time on \(topology) goes into", .bold) + "\n"
      + table.text(width: terminal.width)
      + (rest.isEmpty
        ? "" : "\(rest.count) other operations take \(Format.fixed(seconds, 3)) s together\n")
      + (explanation.hiddenSeconds > 0.0005
        ? "\(Format.fixed(explanation.hiddenSeconds, 3)) s of it run beside other work\n" : "")
  }
}

extension ReportDocument {
  /// One operation of `explanation`.
  struct ExplainedOperation: Encodable {
    let phase, operation, shape: String
    let count: Int
    let seconds, share: Double
    let boundBy, remedy: String

    init(_ entry: Explanation.Entry) {
      phase = entry.phase
      operation = entry.operation
      shape = entry.shape
      count = entry.count
      seconds = entry.seconds
      share = entry.share
      boundBy = entry.bound.rawValue
      remedy = entry.remedy
    }
  }
}
