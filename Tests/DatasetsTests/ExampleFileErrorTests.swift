import Testing

@testable import Datasets

struct ExampleFileErrorTests {
  private static let labels =
    "is none of entailment (0), neutral (1), contradiction (2), and not '-' or -1 for none"
  private static let endings = "expected one of .jsonl, .json-lines, .csv, .tsv, .txt, .parquet"

  @Test(arguments: [
    ("a.parket", "unknown ending \".parket\", \(endings); the nearest is .parquet"),
    ("a.json", "unknown ending \".json\", \(endings); the nearest is .jsonl"),
    ("a.TVS", "unknown ending \".tvs\", \(endings); the nearest is .tsv"),
    ("a.jsonl.gz", "unknown ending \".gz\", \(endings)"),
    ("mnli", "the name has no ending, \(endings)"),
  ])
  func `Another format is refused by its name`(name: String, expected: String) throws {
    #expect(try complaint("", as: name) == "\(name): \(expected)")
    let error = try #require(throws: DatasetsError.self) { try ExampleFile(path: "/no/\(name)") }
    #expect(error == .unreadable(file: "/no/\(name)", reason: expected))
  }

  @Test(arguments: ["/no/such/file.csv", "", ".", "/", "/tmp"])
  func `A path that is no file is refused`(path: String) {
    #expect(throws: DatasetsError.self) { try ExampleFile(path: path) }
  }

  @Test(arguments: ["a.jsonl", "a.csv", "a.tsv", "a.txt"], ["", "\n\r\n", "\u{FEFF}"])
  func `An empty file is refused`(name: String, text: String) throws {
    let expected = "\(name): has no rows; expected the columns hypothesis, premise, label"
    #expect(try complaint(text, as: name) == expected)
  }

  @Test(arguments: [
    ("a.csv", "premise,hypothesis,label\na,b,-1\nc,d,\n"),
    ("a.tsv", "premise\thypothesis\tlabel\na\tb\t-\na\tb\t-1"),
    (
      "a.jsonl",
      #"{"premise":"","hypothesis":"","label":-1}"# + "\n"
        + #"{"premise":"","hypothesis":"","label":"-"}"#
    ),
  ])
  func `A file without one gold label is refused`(name: String, text: String) throws {
    let complaint = try complaint(text, as: name)
    #expect(complaint.hasPrefix("\(name): none of the 2 rows has a gold label"))
  }

  @Test(arguments: [
    ("a.jsonl", #"{"premise":"a","hypothesis":"b"}"#, "the object has"),
    ("a.csv", "idx,premise,hypothesis\n0,a,b", "the header has"),
    ("test.tsv", "index\tgenre\tsentence1\tsentence2\n0\ta\tb\tc", "the header has"),
  ])
  func `A test split is called one`(name: String, text: String, start: String) throws {
    let expected = "no gold labels: no 'gold_label' or 'label', as in a test split; "
    #expect(try complaint(text, as: name).hasPrefix("\(name):1: \(start) \(expected)"))
  }

  @Test(arguments: [
    (
      "a.csv", "premice,hypothesis,label",
      "no 'premise' or 'sentence1', which the prompt wants for {premise}; "
        + "found \"premice\", \"hypothesis\", \"label\"; the nearest is \"premice\""
    ),
    (
      "a.tsv", "premise\tsentence_2\tlabel",
      "no 'hypothesis' or 'sentence2', which the prompt wants for {hypothesis}; "
        + "found \"premise\", \"sentence_2\", \"label\"; the nearest is \"sentence_2\""
    ),
    (
      "a.tsv", "Keep it.\tLose it.\tneutral",
      "no 'hypothesis' or 'sentence2', which the prompt wants for {hypothesis}; "
        + "found \"Keep it.\", \"Lose it.\", \"neutral\""
    ),
    (
      "a.tsv", "sentence1\tsentence2\tlabel1",
      "no gold labels: no 'gold_label' or 'label', as in a test split; give a train or validation "
        + "file; found \"sentence1\", \"sentence2\", \"label1\"; the nearest is \"label1\""
    ),
  ])
  func `A wrong header names what is expected`(
    name: String, header: String, expected: String
  ) throws {
    #expect(
      try complaint(header + "\na\tb\tc\n", as: name) == "\(name):1: the header has \(expected)")
  }

  @Test(
    arguments: [
      ("entailement", "\"entailement\"", "; the nearest is 'entailment'"),
      ("Neutral", "\"Neutral\"", "; the nearest is 'neutral'"),
      ("contradiction ", "\"contradiction \"", "; the nearest is 'contradiction'"),
      ("3", "\"3\"", ""), ("-2", "\"-2\"", ""), ("99999999999999999999", nil, ""),
      ("\u{1B}[31m", "\"\\u{1B}[31m\"", ""),
      (String(repeating: "x", count: 100), "\"\(String(repeating: "x", count: 40))\"...", ""),
    ] as [(String, String?, String)])
  func `An unknown label is named with its line and the nearest one`(
    label: String, shown: String?, nearest: String
  ) throws {
    let expected = ":3: the label \(shown ?? "\"\(label)\"") \(Self.labels)\(nearest)"
    #expect(
      try complaint("premise,hypothesis,label\n,,0\na,b,\(label)\n", as: "a.csv")
        == "a.csv" + expected)
    #expect(
      try complaint("premise\thypothesis\tlabel\n\t\t0\na\tb\t\(label)", as: "a.tsv")
        == "a.tsv" + expected)
  }

  @Test(arguments: [
    (#""entailement""#, "the label \"entailement\" \(labels); the nearest is 'entailment'"),
    ("3", "the label \"3\" \(labels)"),
    ("true", "'label' must be entailment, neutral, contradiction, or a number from 0 to 2"),
    ("0.5", "'label' must be entailment, neutral, contradiction, or a number from 0 to 2"),
    ("1e999", "'label' must be entailment, neutral, contradiction, or a number from 0 to 2"),
    (
      "123456789012345678901",
      "'label' must be entailment, neutral, contradiction, or a number from 0 to 2"
    ),
    ("[0]", "'label' must be entailment, neutral, contradiction, or a number from 0 to 2"),
  ])
  func `An unknown label of an object is named`(label: String, expected: String) throws {
    let text = "\n" + #"{"premise":"a","hypothesis":"b","label":\#(label)}"#
    #expect(try complaint(text, as: "a.jsonl") == "a.jsonl:2: \(expected)")
  }

  @Test(arguments: [
    (
      "a.csv", "premise,hypothesis,label,idx\na,b\n",
      "2: 2 columns, too few to have \"label\"; the header has 4"
    ),
    ("a.csv", "premise,hypothesis,label\na,b,c,0\n", "2: 4 columns; the header has 3"),
    (
      "a.tsv", "premise\thypothesis\tlabel\na\tb\t0\n\na\n",
      "4: 1 columns, too few to have \"label\"; the header has 3"
    ),
    (
      "a.csv", "premise,hypothesis,label\na,\"b,0\nc,d,1\n",
      "2: the quotation mark that opens here is never closed"
    ),
    (
      "a.csv", "premise,hypothesis,label\na,\"b\" c,0\n",
      "2: expected ',' or the end of the line after a closing quotation mark, found "
        + "\" c,0\\n\""
    ),
  ])
  func `A row that does not fit is named with its line`(
    name: String, text: String, expected: String
  ) throws {
    #expect(try complaint(text, as: name) == "\(name):\(expected)")
  }

  @Test(arguments: ["a.jsonl", "a.csv", "a.tsv"])
  func `Invalid UTF-8 is named with its line`(name: String) throws {
    for bytes in [[0xFF], [0xC3], [0xED, 0xA0, 0x80]] as [[UInt8]] {
      let text = Array("one\r\ntwo\n".utf8) + bytes + Array("\nfour".utf8)
      #expect(try complaint(text, as: name) == "\(name):3: the line is not valid UTF-8")
    }
  }

  @Test(arguments: [
    "[", "[1]", "1", "{", "{}}", "\"a\"", "nul", "   ",
    String(repeating: "[", count: 100_000), String(repeating: "{\"a\":", count: 100_000),
  ])
  func `What is no object on one line is refused`(line: String) throws {
    let expected = "a.jsonl:1: expected a JSON object on one line, found "
    #expect(try complaint(line + "\n", as: "a.jsonl").hasPrefix(expected))
  }

  @Test(arguments: [
    (
      #"{"premise":1.5,"hypothesis":"b","label":0}"#,
      "'premise' must be a string or a whole number"
    ),
    (
      #"{"sentence1":"a","sentence2":null,"label":0}"#,
      "'sentence2' must be a string or a whole number"
    ),
    (
      #"{"premise":"a","hypotesis":"b","label":0}"#,
      "the object has no 'hypothesis' or 'sentence2', which the prompt wants for {hypothesis}; "
        + "found \"hypotesis\", \"label\", \"premise\"; the nearest is \"hypotesis\""
    ),
    (
      #"{"premise":"\ud800","hypothesis":"b","label":0}"#,
      "'premise' has a broken escape or a control character"
    ),
    (
      "{\"premise\":\"\t\",\"hypothesis\":\"b\",\"label\":0}",
      "'premise' has a broken escape or a control character"
    ),
    (
      "{}",
      "the object has no 'hypothesis' or 'sentence2', which the prompt wants for {hypothesis}; "
        + "found no names"
    ),
  ])
  func `A wrong object names the key`(line: String, expected: String) throws {
    #expect(try complaint(line, as: "a.jsonl") == "a.jsonl:1: \(expected)")
  }

  /// Every beginning of a file, as after a full disk, is read or refused; nothing traps.
  @Test(arguments: FileSample.all)
  func `A file cut anywhere does not trap`(_ sample: FileSample) throws {
    let bytes = Array(sample.text.utf8)
    for length in stride(from: 0, to: bytes.count, by: 7) {
      let file = try? read(Array(bytes.prefix(length)), as: sample.name)
      #expect((file?.examples.count ?? 0) <= 3)
    }
  }
}
