import Testing

@testable import Reporting

struct LogTests {
  @Test("The levels are swift-log's, in its order")
  func levels() {
    let names = ["trace", "debug", "info", "notice", "warning", "error", "critical"]
    #expect(Log.Level.allCases.map(\.rawValue) == names)
    #expect(Log.Level.allCases == Log.Level.allCases.sorted())
  }

  @Test("A message shows from its level on", arguments: Log.Level.allCases)
  func threshold(level: Log.Level) {
    let collector = Collector()
    let log = Log(level: level, sink: collector.write)
    for each in Log.Level.allCases { log.log(each, "m") }
    let expected = Log.Level.allCases.filter { $0 >= level }.map { "\($0.rawValue): m\n" }
    #expect(collector.all == expected)
  }

  @Test("Each short spelling logs at its own level")
  func spellings() {
    let collector = Collector()
    let log = Log(level: .trace, sink: collector.write)
    log.trace("m")
    log.debug("m")
    log.info("m")
    log.notice("m")
    log.warning("m")
    log.error("m")
    log.critical("m")
    #expect(collector.all == Log.Level.allCases.map { "\($0.rawValue): m\n" })
  }

  @Test("A message that is not shown is not built")
  func laziness() {
    var isBuilt = false
    func message() -> String {
      isBuilt = true
      return "m"
    }
    Log(level: .error, sink: { _ in }).info(message())
    #expect(!isBuilt)
  }

  @Test("Further lines are indented and colour marks the level only")
  func looks() {
    let collector = Collector()
    let terminal = Terminal(
      isInteractive: true, understandsEscapes: true, usesColor: true, width: 80)
    Log(terminal: terminal, sink: collector.write).warning("one\ntwo")
    #expect(collector.all == ["\u{1B}[33mwarning\u{1B}[0m: one\n  two\n"])
  }
}
