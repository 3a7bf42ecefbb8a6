import Testing

@testable import Reporting

struct ProgressLineTests {
  private let start = ContinuousClock.now
  private let tty = Terminal(
    isInteractive: true, understandsEscapes: true, usesColor: true, width: 80)

  private func progress(
    total: Int?, interval: Int = 10, terminal: Terminal, isOff: Bool = false, _ sink: Collector
  ) -> ProgressLine {
    ProgressLine(
      "train", total: total, interval: interval, terminal: terminal, isOff: isOff, now: start,
      sink: sink.write)
  }

  @Test("On a terminal a line is rewritten with bar, count, fields and times")
  func terminal() {
    let sink = Collector()
    var line = progress(total: 40, terminal: tty, sink)
    line.update(step: 10, now: start + .seconds(12)) { [("loss", "2.31"), ("tokens/s", "1.2 k")] }
    line.update(step: 40, now: start + .seconds(4000))
    line.finish()
    line.finish()
    #expect(
      sink.all == [
        "\rtrain   25%|██▌       |  10/40  loss 2.31  tokens/s 1.2 k  [00:12<00:36]\u{1B}[K",
        "\rtrain  100%|██████████|  40/40  [1:06:40<00:00]\u{1B}[K", "\n",
      ])
  }

  @Test("At most ten updates a second, and always the last step")
  func rate() {
    let sink = Collector()
    var line = progress(total: 1000, terminal: tty, sink)
    // 1 ms a step: steps 1, 101, ... 901 are due, and step 1000.
    for step in 1...1000 { line.update(step: step, now: start + .milliseconds(step)) }
    #expect(sink.all.count == 11)
    #expect(sink.all.last?.contains("1000/1000") == true)
  }

  @Test("Elsewhere a line appears every so many steps and at the last", arguments: [1, 4, 10])
  func steps(interval: Int) {
    let sink = Collector()
    var line = progress(total: 10, interval: interval, terminal: .none, sink)
    for step in 1...10 { line.update(step: step, now: start + .seconds(step)) }
    line.finish()
    let shown = (1...10).filter { $0.isMultiple(of: interval) || $0 == 10 }
    let expected = shown.map { "train  \($0)/10  [\(clock($0))<\(clock(10 - $0))]\n" }
    #expect(sink.all == expected)
  }

  private func clock(_ seconds: Int) -> String { seconds < 10 ? "00:0\(seconds)" : "00:\(seconds)" }

  @Test("A dumb terminal gets lines, and no escapes")
  func dumb() {
    let sink = Collector()
    var dumb = tty
    dumb.understandsEscapes = false
    var line = progress(total: 10, terminal: dumb, sink)
    line.update(step: 10, now: start + .seconds(5)) { [("loss", "1\n2")] }
    #expect(sink.all == ["train  10/10  loss 1 2  [00:05<00:00]\n"])
  }

  @Test("Switched off, nothing is written and no field is built")
  func off() {
    let sink = Collector()
    var isBuilt = false
    var line = progress(total: 10, terminal: tty, isOff: true, sink)
    line.update(step: 10) {
      isBuilt = true
      return []
    }
    line.clear()
    line.finish()
    #expect(sink.all.isEmpty && !isBuilt)
  }

  @Test("A line never reaches the last column", arguments: [1, 2, 10, 30])
  func narrow(width: Int) {
    let sink = Collector()
    var terminal = tty
    terminal.width = width
    var line = progress(total: 40, terminal: terminal, sink)
    line.update(step: 10, now: start + .seconds(12))
    let shown = sink.all[0].dropFirst().prefix { $0 != "\u{1B}" }
    #expect(shown.count == max(1, width - 1))
    #expect(shown.last == "…")
  }

  @Test("A cleared line comes back at the next step, whatever the time")
  func clear() {
    let sink = Collector()
    var line = progress(total: nil, terminal: tty, sink)
    line.update(step: 1, now: start)
    line.clear()
    line.update(step: 2, now: start + .milliseconds(1))
    line.finish()
    #expect(
      sink.all == [
        "\rtrain  1  [00:00]\u{1B}[K", "\r\u{1B}[K", "\rtrain  2  [00:00]\u{1B}[K", "\n",
      ])
  }

  @Test("Odd counts do not trap", arguments: [(0, 0), (5, 0), (-1, 10), (11, 10), (.max, 1)])
  func odd(step: Int, total: Int) {
    let sink = Collector()
    var line = progress(total: total, terminal: tty, sink)
    line.update(step: step, now: start + .seconds(1_000_000_000_000))
    #expect(sink.all.count == 1)
  }
}
