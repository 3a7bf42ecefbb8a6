import Testing

@testable import Reporting

struct TableTests {
  private var plans: Table {
    var table = Table([.init("plan"), .init("step", .right), .init("note")])
    table.add(["TP16 x DP1", "20.9 s", "fits"])
    table.add(["TP8", "1.5 s", "too big by 120 MiB on every IPU"])
    return table
  }

  @Test("Text is aligned, two spaces apart, without spaces at line ends")
  func text() {
    #expect(
      plans.text() == """
        plan          step  note
        ----------  ------  -------------------------------
        TP16 x DP1  20.9 s  fits
        TP8          1.5 s  too big by 120 MiB on every IPU

        """)
  }

  @Test("A width cuts the last column only, with an ellipsis")
  func cut() {
    #expect(
      plans.text(width: 30) == """
        plan          step  note
        ----------  ------  ----------
        TP16 x DP1  20.9 s  fits
        TP8          1.5 s  too big b…

        """)
  }

  @Test("No line is wider than the width while the last column has room", arguments: 21...60)
  func widths(width: Int) {
    let lines = plans.text(width: width).split(separator: "\n")
    #expect(lines.allSatisfy { $0.count <= width })
    #expect(lines.count == 4)
  }

  @Test("A width too small for the other columns leaves them whole", arguments: [-5, 0, 5])
  func tooSmall(width: Int) {
    #expect(plans.text(width: width).contains("TP16 x DP1  20.9 s  …\n"))
  }

  @Test("A table without rows is its head")
  func empty() {
    #expect(Table([.init("a"), .init("bc", .right)]).text() == "a  bc\n-  --\n")
  }

  @Test("Accents count as one column, and control characters cannot break a line")
  func characters() {
    var table = Table([.init("µs"), .init("name")])
    table.add(["e\u{301}", "a\r\nb\u{1B}[31m"])
    #expect(table.text() == "µs  name\n--  ---------\ne\u{301}   a  b [31m\n")
  }

  @Test("Markdown states the alignment and escapes bars")
  func markdown() {
    var table = Table([.init("a|b"), .init("n", .right)])
    table.add(["x\ny", "\\|"])
    #expect(
      table.markdown() == """
        | a\\|b | n |
        | --- | ---: |
        | x y | \\\\\\| |

        """)
  }

  @Test(
    "CSV quotes what RFC 4180 quotes",
    arguments: [
      ("plain", "plain"), ("a,b", "\"a,b\""), ("say \"x\"", "\"say \"\"x\"\"\""),
      ("a\r\nb", "\"a\r\nb\""), ("a\nb", "\"a\nb\""), (" a ", " a "), ("", ""),
    ])
  func csv(cell: String, expected: String) {
    var table = Table([.init("x"), .init("y")])
    table.add([cell, "1"])
    #expect(table.csv() == "x,y\n\(expected),1\n")
  }
}
