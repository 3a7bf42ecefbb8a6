import Testing

@testable import Configuration

enum Colour: String, CaseIterable { case red, green }

@Suite("Strict mapping reader")
struct MappingReaderTests {
  /// The error of reading `text` as the root mapping of `f.yml`.
  private func failure(
    _ text: String, _ read: (inout MappingReader) throws -> Void
  ) -> String {
    let error = #expect(throws: ConfigurationError.self) {
      var reader = try MappingReader(YAMLNode.parse(text: text, file: "f.yml"))
      try read(&reader)
      try reader.finish()
    }
    return error?.description ?? "no error"
  }

  @Test("Every type is read, defaults only where the key is missing")
  func types() throws {
    let text = """
      s: word
      i: 3
      d: 5e-06
      whole: 2
      b: true
      list: [1, 2.5]
      names: [a, "1"]
      colour: green
      none: null
      inner: {k: 1}
      items: [{k: 1}, {k: 2}]
      """
    var reader = try MappingReader(YAMLNode.parse(text: text, file: "f.yml"))
    #expect(try reader.string("s") == "word")
    #expect(try reader.int("i", default: 9) == 3)
    #expect(try reader.int("missing", default: 9) == 9)
    #expect(try reader.double("d") == 5e-6)
    #expect(try reader.double("whole") == 2)
    #expect(try reader.bool("b", default: false))
    #expect(try reader.doubles("list", in: 0...9) == [1, 2.5])
    #expect(try reader.strings("names") == ["a", "1"])
    #expect(try reader.choice("colour", default: Colour.red) == .green)
    #expect(try reader.optionalString("none") == nil)
    #expect(try reader.optionalString("absent") == nil)
    var inner = try reader.mapping("inner")
    #expect(inner.path == "inner")
    #expect(try inner.int("k") == 1)
    try inner.finish()
    for (index, mapping) in try reader.mappings("items").enumerated() {
      var item = mapping
      #expect(item.path == "items[\(index)]")
      #expect(try item.int("k") == index + 1)
    }
    try reader.finish()
  }

  @Test("A wrong type names the value, its place and what was expected")
  func wrongTypes() {
    #expect(
      failure("a: yes\n") { _ = try $0.bool("a") }
        == "f.yml:1:4: a is the string 'yes', expected true or false")
    #expect(
      failure("a: '5'\n") { _ = try $0.int("a", in: 1...9) }
        == "f.yml:1:4: a is the string '5', expected an integer from 1 to 9")
    #expect(
      failure("a: 1.5\n") { _ = try $0.int("a", in: 1...9) }
        == "f.yml:1:4: a is the number '1.5', expected an integer from 1 to 9")
    #expect(
      failure("a: 5\n") { _ = try $0.string("a") }
        == "f.yml:1:4: a is the number '5', expected a string")
    #expect(
      failure("a: [1]\n") { _ = try $0.mapping("a") }
        == "f.yml:1:4: a is a list, expected a mapping")
    #expect(failure("- 1\n") { _ in } == "f.yml:1:1: the file is a list, expected a mapping")
  }

  @Test(
    "A number beyond its range is refused, however large",
    arguments: ["0", "10", "99999999999999999999999999", "-99999999999999999999999999"])
  func ranges(number: String) {
    let message = failure("a: \(number)\n") { _ = try $0.int("a", in: 1...9) }
    #expect(message == "f.yml:1:4: a is the number '\(number)', expected an integer from 1 to 9")
  }

  @Test("A number must be finite", arguments: [".inf", "-.inf", ".nan", "1e999"])
  func finite(number: String) {
    let message = failure("a: \(number)\n") { _ = try $0.double("a") }
    #expect(message.hasPrefix("f.yml:1:4: a is the number '\(number)', expected a number from"))
  }

  @Test("A choice that does not exist is answered with the nearest one")
  func choices() {
    #expect(
      failure("a: gren\n") { _ = try $0.choice("a", default: Colour.red) }
        == "f.yml:1:4: a is 'gren', expected one of red, green, did you mean 'green'?")
  }

  @Test("An unknown key is answered with the nearest known one")
  func unknownKey() {
    #expect(
      failure("layers: 1\nlayer: 2\n") { _ = try $0.int("layers") }
        == "f.yml:2:1: the unknown key 'layer', expected one of layers, did you mean 'layers'?")
    #expect(
      failure("hiddenSize: 2\n") { _ = try $0.int("hidden_size", default: 1) }
        == "f.yml:1:1: the unknown key 'hiddenSize', expected one of hidden_size, "
        + "did you mean 'hidden_size'?")
  }

  @Test("A missing key is named, and so is the mistyped one that stands there")
  func missingKey() {
    #expect(
      failure("a: {b: 1}\n") { reader in
        var inner = try reader.mapping("a")
        _ = try inner.int("clock")
      } == "f.yml:1:4: the key 'a.clock' is missing")
    #expect(
      failure("clokc: 1\n") { _ = try $0.int("clock") }
        == "f.yml:1:1: the key 'clock' is missing, 'clokc' is here, did you mean 'clock'?")
  }

  @Test("A key in the wrong section is answered with the right one")
  func elsewhere() throws {
    let node = try YAMLNode.parse(text: "beta1: 1\n", file: "f.yml")
    let reader = try MappingReader(node, path: "x", sectionsOfKey: ["beta1": ["optimizer"]])
    let error = #expect(throws: ConfigurationError.self) { try reader.finish() }
    #expect(error?.cause == .misplacedKey)
    #expect(
      error?.description
        == "f.yml:1:1: the key 'x.beta1' belongs to optimizer, did you mean 'optimizer.beta1'?")
  }

  @Test("A long or odd key does not flood the message")
  func longKey() {
    let message = failure("\"\(String(repeating: "k", count: 100_000))\\n\": 1\n") { _ in }
    #expect(message.utf8.count < 200)
  }

  @Test("A quantity has a value, exactly the expected unit and a source")
  func quantity() throws {
    let text = "clock: { value: 1.85, unit: GHz, source: Bow-2000 datasheet }\n"
    var reader = try MappingReader(YAMLNode.parse(text: text, file: "f.yml"))
    let clock = try reader.quantity("clock", unit: "GHz", in: 0.1...10)
    #expect(clock == Quantity(value: 1.85, unit: "GHz", source: "Bow-2000 datasheet", line: 1))
    #expect(try reader.optionalQuantity("power", unit: "W", in: 0...1) == nil)
    try reader.finish()
  }

  @Test(
    "A quantity with a wrong figure is refused at its place",
    arguments: [
      ("{ value: 1.85, unit: MHz, source: s }", "the unit of c is 'MHz', expected 'GHz'"),
      ("{ value: -1, unit: GHz, source: s }", "c.value is the number '-1', expected a number from"),
      ("{ value: .inf, unit: GHz, source: s }", "c.value is the number '.inf', expected"),
      ("{ value: 1, unit: GHz, source: '' }", "c.source is the string '', expected a string"),
      ("{ value: 1, unit: GHz }", "the key 'c.source' is missing"),
      ("{ value: 1, unit: GHz, source: s, note: x }", "the unknown key 'c.note'"),
      ("1.85", "c is the number '1.85', expected a mapping"),
    ])
  func wrongQuantity(figure: String, message: String) {
    let answer = failure("c: \(figure)\n") { _ = try $0.quantity("c", unit: "GHz", in: 0...10) }
    #expect(answer.contains(message), "\(answer)")
  }
}
