/// How far a loop has come: a line rewritten in place on a terminal, else a line now and then.
///
/// On a terminal at most ten times a second; otherwise every `interval` steps. The last step is
/// always shown. For one thread; the time is the caller's, so that tests need no clock.
package struct ProgressLine {
  /// A name and a value to show after the count, such as `loss 2.31`.
  package typealias Field = (name: String, value: String)

  private enum Mode { case rewritten, appended, off }

  private let label: String
  private let total: Int?
  private let first: Int
  private let interval: Int
  private let mode: Mode
  private let width: Int
  private let sink: (String) -> Void
  private let start: ContinuousClock.Instant
  private var lastShown: ContinuousClock.Instant?
  private var isLineOpen = false

  /// Starts a line about `total` steps, or of unknown length.
  ///
  /// - Parameters:
  ///   - label: what is running, at the start of the line.
  ///   - total: steps in all; nil gives a count without bar and without an end.
  ///   - first: steps that were done before, in no time.
  ///   - interval: steps between lines where no line can be rewritten.
  ///   - terminal: what the far end of `sink` can show.
  ///   - isOff: true for `--no-progress`.
  ///   - now: the start.
  ///   - sink: where the text goes; a line that cannot be written is lost.
  package init(
    _ label: String, total: Int?, from first: Int = 0, interval: Int = 10, terminal: Terminal,
    isOff: Bool = false,
    now: ContinuousClock.Instant = .now,
    sink: @escaping (String) -> Void = { try? StandardStream.error.write($0) }
  ) {
    precondition(interval > 0, "an interval is at least one step")
    self.label = label
    self.total = total
    self.first = first
    self.interval = interval
    self.width = terminal.width ?? 80
    self.sink = sink
    self.start = now
    mode = isOff ? .off : terminal.understandsEscapes ? .rewritten : .appended
  }

  /// Reports that `step` steps are done.
  ///
  /// Fields are only built when they are shown.
  package mutating func update(
    step: Int, now: ContinuousClock.Instant = .now, fields: () -> [Field] = { [] }
  ) {
    guard isDue(step: step, now: now) else { return }
    lastShown = now
    let text = singleLine(line(step: step, elapsed: start.duration(to: now), fields: fields()))
    if mode == .rewritten {
      // One column stays free: a cursor in the last one makes some terminals wrap.
      sink("\r\(truncated(text, to: max(1, width - 1)))\u{1B}[K")
      isLineOpen = true
    } else {
      sink(text + "\n")
    }
  }

  /// Ends the line and leaves it readable.
  ///
  /// Harmless when called twice.
  package mutating func finish() {
    if isLineOpen { sink("\n") }
    isLineOpen = false
  }

  /// Takes the line away so that a log message can stand there; the next update brings it back.
  package mutating func clear() {
    if isLineOpen { sink("\r\u{1B}[K") }
    isLineOpen = false
    lastShown = nil
  }

  private func isDue(step: Int, now: ContinuousClock.Instant) -> Bool {
    switch mode {
    case .off: false
    case .appended: step == total || step.isMultiple(of: interval)
    case .rewritten:
      step == total
        || lastShown.map { $0.duration(to: now) >= .milliseconds(100) } ?? true
    }
  }

  private func line(step: Int, elapsed: Duration, fields: [Field]) -> String {
    var parts = [label]
    if let total {
      let share = total > 0 ? Double(step) / Double(total) : 1
      let percent = padded(Format.fixed(share * 100, 0), 3, atStart: true) + "%"
      if mode == .rewritten { parts.append("\(percent)|\(padded(bar(share, width: 10), 10))|") }
      parts.append("\(step)/\(total)")
    } else {
      parts.append("\(step)")
    }
    parts += fields.map { "\($0.name) \($0.value)" }
    parts.append(times(step: step, elapsed: elapsed))
    return parts.joined(separator: "  ")
  }

  /// Time spent and, when it can be known, time left: `[00:12<01:28]`.
  private func times(step: Int, elapsed: Duration) -> String {
    let seconds = elapsed / .seconds(1)
    guard let total, step > first, step <= total else { return "[\(clock(seconds))]" }
    return "[\(clock(seconds))<\(clock(seconds * Double(total - step) / Double(step - first)))]"
  }

  private func clock(_ seconds: Double) -> String {
    guard seconds < 1e9 else { return "?" }
    let whole = Int(max(0, seconds).rounded())
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let tail = "\(two(whole / 60 % 60)):\(two(whole % 60))"
    return whole < 3600 ? tail : "\(whole / 3600):\(tail)"
  }
}
