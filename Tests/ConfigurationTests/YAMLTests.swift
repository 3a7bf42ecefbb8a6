import Testing

@testable import Configuration

@Suite("Strict YAML")
struct YAMLTests {
  private func failure(_ text: String) -> String {
    #expect(throws: ConfigurationError.self) { try YAMLNode.parse(text: text, file: "f.yml") }?
      .description ?? "no error"
  }

  @Test("A node knows its line and column, a mapping its order")
  func places() throws {
    let node = try YAMLNode.parse(text: "b: 1\na:\n  - x\n  - \"5\"\n", file: "f.yml")
    #expect(node.entries?.map(\.key) == ["b", "a"])
    #expect(node.entries?[1].keyPlace == Place(file: "f.yml", line: 2, column: 1))
    guard case .sequence(let items)? = node["a"]?.value else {
      Issue.record("a is not a list")
      return
    }
    #expect(items[0] == YAMLNode(.scalar("x", isPlain: true), at: place(3, 5)))
    #expect(items[1] == YAMLNode(.scalar("5", isPlain: false), at: place(4, 5)))
  }

  private func place(_ line: Int, _ column: Int) -> Place {
    Place(file: "f.yml", line: line, column: column)
  }

  @Test(
    "What is not one plain document is refused at its place",
    arguments: [
      ("a: 1\n---\nb: 2\n", "f.yml:2:1: a second document, expected one document in a file"),
      ("a: 1\nb: 2\na: 3\n", "f.yml:3:1: the key 'a' again (first on line 1)"),
      ("a:\n\tb: 1\n", "f.yml:2:1: a tab in the indentation, expected spaces"),
      ("a:\n  {\n \tb: 1}\n", "f.yml:3:2: a tab in the indentation, expected spaces"),
      ("a: *x\n", "f.yml:1:4: the unknown anchor 'x'"),
      ("a: &size 1\nb: *sise\n", "did you mean 'size'?"),
      ("a: &a [*a]\n", "f.yml:1:8: the unknown anchor 'a'"),
      ("", "f.yml:1:1: an empty file, expected a mapping"),
      ("# only a comment\n", "f.yml:1:1: an empty file, expected a mapping"),
      ("a: !!str 5\n", "f.yml:1:4: the tag 'tag:yaml.org,2002:str'"),
      ("? [a, b]\n: 1\n", "f.yml:1:3: a list or mapping as a key"),
      ("? &a [x]\n: 1\n", "f.yml:1:3: a list or mapping as a key"),
      ("a: &m [x]\n*m : 1\n", "f.yml:2:1: a list or mapping as a key"),
      ("a: [1, 2\n", "f.yml:2:1: did not find expected ',' or ']'"),
      ("ä: \"b\n", "f.yml:2:1: found unexpected end of stream"),
      ("a: é\u{1}\n", "f.yml:1:5: control characters are not allowed"),
    ])
  func refusals(text: String, message: String) {
    #expect(failure(text).contains(message), "\(failure(text))")
  }

  @Test("Bytes that are not UTF-8 are refused at their place")
  func notUTF8() {
    let bytes = Array("a: 1\né: ".utf8) + [0xFF, 0x0A]
    let error = #expect(throws: ConfigurationError.self) {
      try YAMLNode.parse(bytes: bytes, file: "f.yml")
    }
    #expect(error?.description == "f.yml:2:4: a byte that is not UTF-8, expected a UTF-8 text file")
    #expect(error?.exitStatus == 65)
  }

  @Test("An alias stands for its anchor's value")
  func alias() throws {
    let node = try YAMLNode.parse(text: "a: &x {k: 1}\nb: *x\nc: [*x, *x]\n", file: "f.yml")
    #expect(node["b"] == node["a"])
  }

  @Test("An alias bomb is refused before it is expanded", arguments: ["sequence", "mapping"])
  func aliasBomb(kind: String) {
    var text = "a0: &a0 x\n"
    for level in 1...30 {
      let uses = (0..<10).map { kind == "sequence" ? "*a\(level - 1)" : "k\($0): *a\(level - 1)" }
      let list = uses.joined(separator: ", ")
      text += "a\(level): &a\(level) \(kind == "sequence" ? "[\(list)]" : "{\(list)}")\n"
    }
    #expect(failure(text).contains("at most 100000 nodes"), "\(failure(text))")
  }

  @Test("Aliases cannot nest deeper than the limit either")
  func aliasDepth() {
    var text = "a0: &a0 [x]\n"
    for level in 1...100 { text += "a\(level): &a\(level) [*a\(level - 1)]\n" }
    #expect(failure(text).contains("at most 64 levels"))
  }

  @Test("Deep nesting is refused and overflows nothing", arguments: ["[", "{a: ", "- "])
  func deepNesting(opening: String) {
    let text = String(repeating: opening, count: 200_000)
    #expect(failure(text).contains("at most 64 levels"), "\(failure(text))")
  }

  @Test("Nesting up to the limit is read")
  func allowedNesting() throws {
    let text = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
    _ = try YAMLNode.parse(text: text, file: "f.yml")
    #expect(failure("[" + text + "]").contains("at most 64 levels"))
  }

  @Test(
    "Scalars have the types of YAML 1.2's core schema",
    arguments: [
      ("", .null), ("~", .null), ("null", .null), ("true", .bool(true)), ("FALSE", .bool(false)),
      ("yes", .string("yes")), ("no", .string("no")), ("on", .string("on")), ("12", .int(12)),
      ("-7", .int(-7)), ("+7", .int(7)), ("0o17", .int(15)), ("0xfF", .int(255)), ("010", .int(10)),
      ("9223372036854775807", .int(.max)), ("9223372036854775808", .oversizedInt),
      ("0xFFFFFFFFFFFFFFFFFF", .oversizedInt), ("1_000", .string("1_000")),
      ("5e-06", .float(5e-6)), ("0.00001", .float(1e-5)), ("1.", .float(1)), (".5", .float(0.5)),
      ("1e999", .float(.infinity)), ("-.inf", .float(-.infinity)), ("0x1p3", .string("0x1p3")),
      ("inf", .string("inf")), ("nan", .string("nan")), ("1:30", .string("1:30")),
      ("1.5.2", .string("1.5.2")), ("2024-03-05", .string("2024-03-05")),
    ] as [(String, YAMLScalar)])
  func scalars(text: String, value: YAMLScalar) {
    #expect(YAMLScalar(text, isPlain: true) == value)
    #expect(YAMLScalar(text, isPlain: false) == .string(text))
  }
}
