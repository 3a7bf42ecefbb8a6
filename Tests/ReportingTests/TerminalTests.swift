import Testing

@testable import Reporting

struct TerminalTests {
  private func detect(
    isTerminal: Bool = true, ownWidth: Int? = 120, noColor: Bool = false,
    _ environment: [String: String] = [:]
  ) -> Terminal {
    Terminal.detect(
      isTerminal: isTerminal, ownWidth: ownWidth, noColor: noColor, environment: { environment[$0] }
    )
  }

  @Test(
    "Colour needs a terminal that knows it and a user who does not mind",
    arguments: [
      ([:], true), (["TERM": "xterm"], true), (["TERM": "dumb"], false), (["NO_COLOR": "1"], false),
      (["NO_COLOR": ""], true),
    ] as [([String: String], Bool)])
  func color(environment: [String: String], expected: Bool) {
    #expect(detect(environment).usesColor == expected)
    #expect(!detect(noColor: true, environment).usesColor)
    #expect(!detect(isTerminal: false, environment).usesColor)
  }

  @Test("NO_COLOR stops colour only; a dumb terminal cannot rewrite lines either")
  func escapes() {
    #expect(detect(["NO_COLOR": "1"]).understandsEscapes)
    #expect(!detect(["TERM": "dumb"]).understandsEscapes)
    #expect(detect(["TERM": "dumb"]).isInteractive)
    #expect(!detect(isTerminal: false).understandsEscapes)
  }

  @Test(
    "Width is COLUMNS, else the terminal's own, else 80",
    arguments: [
      (["COLUMNS": "42"], 120, 42), ([:], 120, 120), ([:], nil, 80), (["COLUMNS": "0"], 120, 120),
      (["COLUMNS": "-3"], 120, 120), (["COLUMNS": "wide"], nil, 80),
      (["COLUMNS": "99999999999999999999"], nil, 80),
    ] as [([String: String], Int?, Int)])
  func width(environment: [String: String], ownWidth: Int?, expected: Int) {
    #expect(detect(ownWidth: ownWidth, environment).width == expected)
  }

  @Test("A pipe has no width unless COLUMNS gives one")
  func pipeWidth() {
    #expect(detect(isTerminal: false, ownWidth: nil).width == nil)
    #expect(detect(isTerminal: false, ownWidth: nil, ["COLUMNS": "60"]).width == 60)
  }

  @Test("A descriptor that is no terminal is found to be none")
  func noTerminal() {
    let stream = StandardStream(descriptor: -1, name: "nothing")
    #expect(Terminal.detect(stream, environment: { _ in nil }) == .none)
  }

  @Test("Styles are codes with colour and nothing without")
  func styles() {
    #expect(detect().styled("x", .red) == "\u{1B}[31mx\u{1B}[0m")
    #expect(Terminal.none.styled("x", .red) == "x")
  }
}
