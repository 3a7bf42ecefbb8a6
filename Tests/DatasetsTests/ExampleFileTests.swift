import Configuration
import Testing

@testable import Datasets

struct ExampleFileTests {
  /// The three examples of every sample.
  private func check(_ file: ExampleFile, _ sample: FileSample) {
    #expect(
      file.examples.map(\.validationPrompt.unicode)
        == zip(FileSample.hypotheses, FileSample.premises).map {
          "mnli hypothesis: \($0) premise: \($1) target:".unicode
        })
    #expect(file.examples.map(\.answer) == FileSample.labels)
    #expect(file.skipped == sample.skipped)
  }

  @Test(arguments: FileSample.all)
  func `Every published layout gives the same examples`(_ sample: FileSample) throws {
    try check(read(sample.text, as: sample.name), sample)
  }

  @Test(arguments: FileSample.all)
  func `Windows line ends and a byte-order mark change nothing`(_ sample: FileSample) throws {
    let lines = sample.text.split(separator: "\n", omittingEmptySubsequences: false)
    try check(read("\u{FEFF}" + lines.joined(separator: "\r\n"), as: sample.name), sample)
  }

  @Test func `Quoted fields hold line ends, which count as lines`() throws {
    let text = "label,premise,hypothesis\r\n0,\"a\r\nb\n\",\"\"\"\"\r\n\r\n1,\"\",a\"b\"\rc\n"
    let file = try read(text, as: "a.csv", task("{premise}|{hypothesis}|{label}<|endoftext|>"))
    #expect(
      file.examples.map(\.validationPrompt.unicode)
        == ["a\r\nb\n|\"|".unicode, "|a\"b\"\rc|".unicode])
    let expected = "a.csv:7: the label \"7\" is none of"
    #expect(try complaint(text + "7,a,b", as: "a.csv").hasPrefix(expected))
  }

  @Test func `Separators that only Unicode knows do not end a line`() throws {
    let text = "premise\thypothesis\tlabel\na\u{2028}b\u{85}\tc\u{B}\u{C}\t1"
    let example = try #require(
      read(text, as: "a.tsv", task("{premise}|{hypothesis}|{label}<|endoftext|>")).examples.first)
    #expect(example.validationPrompt.unicode == "a\u{2028}b\u{85}|c\u{B}\u{C}|".unicode)
  }

  @Test(arguments: [
    ("a.csv", "label,sentence2,sentence1,gold_label\n0,b,a,neutral"),
    ("a.jsonl", #"{"label":0,"sentence2":"b","sentence1":"a","gold_label":"neutral"}"#),
  ])
  func `The gold label counts before another one, in any order`(
    name: String, text: String
  ) throws {
    let wanted = Example(.mnli, ["b", "a"], answer: "neutral")
    #expect(try read(text, as: name).examples == [wanted])
  }

  @Test func `A line of a megabyte is read`() throws {
    let long = String(repeating: "long ", count: 200_000)
    for (name, text) in [
      ("a.jsonl", #"{"premise":"\#(long)","hypothesis":"","label":0}"#),
      ("a.csv", "premise,hypothesis,label\n\"\(long)\",,0"),
      ("a.tsv", "premise\thypothesis\tlabel\n\(long)\t\t0"),
    ] {
      let file = try read(text, as: name, task("{premise}|{label}<|endoftext|>"))
      #expect(file.examples.map(\.validationPrompt) == [long + "|"])
    }
  }
}

extension String {
  /// Scalars, because `==` of strings takes canonically equivalent ones for equal.
  var unicode: [UInt32] { unicodeScalars.map(\.value) }
}
