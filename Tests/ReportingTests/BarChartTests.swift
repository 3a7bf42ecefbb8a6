import Testing

@testable import Reporting

struct BarChartTests {
  @Test("Parts of a step show as bars of their share, aligned")
  func breakdown() {
    let chart = BarChart([
      .init("decoder backward", 10, label: "10 s"), .init("all-reduce", 5, label: "5 s"),
      .init("host", 1, label: "1 s"), .init("idle", 0, label: "0 s"),
    ])
    #expect(
      chart.text(barWidth: 8) == """
        decoder backward  █████      62.5 %  10 s
        all-reduce        ██▌        31.2 %   5 s
        host              ▌           6.2 %   1 s
        idle                          0.0 %   0 s

        """)
  }

  @Test("A whole is a full bar, an eighth of a character the finest step", arguments: 0...64)
  func eighths(count: Int) {
    let text = bar(Double(count) / 64, width: 8)
    #expect(text.count == (count + 7) / 8)
    #expect(text.filter { $0 == "█" }.count == count / 8)
  }

  @Test("Values that are no share have no bar", arguments: [Double.nan, .infinity, -1])
  func nonsense(value: Double) {
    let text = BarChart([.init("a", value, label: "?"), .init("b", 1, label: "1 s")]).text(
      barWidth: 2)
    #expect(text == "a        0.0 %    ?\nb  ██  100.0 %  1 s\n")
  }

  @Test("Nothing at all is no lines, and all zeros are empty bars")
  func empty() {
    #expect(BarChart([]).text().isEmpty)
    #expect(BarChart([.init("a", 0, label: "0")]).text(barWidth: 1) == "a       0.0 %  0\n")
  }
}
