import Configuration
import FoundationEssentials
import Testing

@testable import Datasets

/// Reads `text` as a file called `name`; the file is gone afterwards.
func read(
  _ text: String, as name: String, _ task: TaskConfiguration = TaskConfiguration()
) throws -> ExampleFile {
  try read(Array(text.utf8), as: name, task)
}

func read(
  _ bytes: [UInt8], as name: String, _ task: TaskConfiguration = TaskConfiguration()
) throws -> ExampleFile {
  let folder = FileManager.default.temporaryDirectory.appending(path: "nli-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  let file = folder.appending(path: name)
  try Data(bytes).write(to: file)
  return try ExampleFile(path: file.path, task: task)
}

/// What is said of `bytes` as a file called `name`, from the name on: "a.csv:2: ...".
func complaint(
  _ bytes: [UInt8], as name: String, _ task: TaskConfiguration = TaskConfiguration()
) throws -> String {
  let error = try #require(throws: DatasetsError.self) { try read(bytes, as: name, task) }
  let text = error.description
  return String(text[(try #require(text.firstRange(of: name))).lowerBound...])
}

func complaint(
  _ text: String, as name: String, _ task: TaskConfiguration = TaskConfiguration()
) throws -> String {
  try complaint(Array(text.utf8), as: name, task)
}

/// Layouts of MNLI as published, each with the same three examples.
struct FileSample: Sendable, CustomTestStringConvertible {
  let name: String
  let skipped: Int
  let text: String

  var testDescription: String { name }

  static let premises = ["He said \"no\", twice.", "tea  and caf\u{E9}", "One, two"]
  static let hypotheses = ["He agreed. ", "A drink is named ", "\"Three"]
  static let labels = ["contradiction", "entailment", "neutral"]

  static let all = [
    FileSample(
      name: "hub.jsonl", skipped: 1,
      text: #"""
        {"premise":"He said \"no\", twice.","hypothesis":"He agreed. ","label":2,"idx":0}
        {"premise":"tea  and caf\u00e9","hypothesis":"A drink is named ","label":0,"idx":1}
        {"premise":"-","hypothesis":"-","label":-1,"idx":2}
        {"premise":"One, two","hypothesis":"\"Three","label":1,"idx":3}
        """#),
    FileSample(
      name: "words.JSON-LINES", skipped: 1,
      text: #"""
        {"label": "contradiction", "genre": "fiction", "premise": "He said \"no\", twice.", "hypothesis": "He agreed. "}

        {"label": "entailment", "genre": "fiction", "premise": "tea  and café", "hypothesis": "A drink is named "}
        {"label": null, "genre": "fiction", "premise": "a", "hypothesis": "b"}
        {"label": "neutral", "genre": "fiction", "premise": "One, two", "hypothesis": "\"Three"}

        """#),
    FileSample(
      name: "multinli_1.0_train.jsonl", skipped: 1,
      text: #"""
        {"annotator_labels": ["neutral"], "genre": "fiction", "gold_label": "contradiction", "pairID": "1n", "promptID": "1", "sentence1": "He said \"no\", twice.", "sentence1_parse": "(ROOT)", "sentence2": "He agreed. "}
        {"annotator_labels": [], "genre": "fiction", "gold_label": "entailment", "sentence1": "tea  and café", "sentence2": "A drink is named "}
        {"annotator_labels": ["neutral", "entailment"], "genre": "fiction", "gold_label": "-", "sentence1": "x", "sentence2": "y"}
        {"annotator_labels": [], "genre": "fiction", "gold_label": "neutral", "sentence1": "One, two", "sentence2": "\"Three"}
        """#),
    FileSample(
      name: "hub.csv", skipped: 1,
      text: #"""
        premise,hypothesis,label,idx
        "He said ""no"", twice.",He agreed. ,2,0
        tea  and café,"A drink is named ",0,1
        a,b,-1,2

        "One, two",\#u{22}""Three",1,3
        """#),
    FileSample(
      name: "multinli_1.0_train.txt", skipped: 1,
      text: tabs([
        "gold_label sentence1_parse sentence1 sentence2 promptID genre label1 label2",
        "contradiction|(R)|\(premises[0])|\(hypotheses[0])|1|fiction|contradiction",
        "entailment|(R)|\(premises[1])|\(hypotheses[1])|2|fiction|entailment",
        "-|(R)|x|y|3|fiction|neutral|entailment",
        "neutral|(R)|\(premises[2])|\(hypotheses[2])|4|fiction|neutral",
      ])),
    FileSample(
      name: "train.tsv", skipped: 0,
      text: tabs([
        """
        index promptID pairID genre sentence1_binary_parse sentence2_binary_parse sentence1_parse \
        sentence2_parse sentence1 sentence2 label1 gold_label
        """,
        "0|1|1n|fiction|(|(|(|(|\(premises[0])|\(hypotheses[0])|neutral|contradiction",
        "1|2|2e|fiction|(|(|(|(|\(premises[1])|\(hypotheses[1])|entailment|entailment",
        "2|3|3e|fiction|(|(|(|(|\(premises[2])|\(hypotheses[2])|entailment|neutral",
      ])),
    FileSample(
      name: "dev_matched.tsv", skipped: 0,
      text: tabs([
        """
        index promptID pairID genre sentence1_binary_parse sentence2_binary_parse sentence1_parse \
        sentence2_parse sentence1 sentence2 label1 label2 label3 label4 label5 gold_label
        """,
        "0|1|1n|fiction|(|(|(|(|\(premises[0])|\(hypotheses[0])|neutral|a|b|c|d|contradiction",
        "1|2|2e|fiction|(|(|(|(|\(premises[1])|\(hypotheses[1])|entailment|a|b|c|d|entailment",
        "2|3|3e|fiction|(|(|(|(|\(premises[2])|\(hypotheses[2])|entailment|a|b|c|d|neutral",
      ])),
    FileSample(
      name: "hans_export.tsv", skipped: 0,
      text: tabs([
        "index premise hypothesis gold_label correct",
        "0|\(premises[0])|\(hypotheses[0])|contradiction|100",
        "1|\(premises[1])|\(hypotheses[1])|entailment|100",
        "2|\(premises[2])|\(hypotheses[2])|neutral|99",
      ])),
  ]

  /// A table with tabs: names with spaces between them, then rows with "|".
  private static func tabs(_ lines: [String]) -> String {
    lines.enumerated().map { index, line in
      line.split(separator: index == 0 ? " " : "|", omittingEmptySubsequences: false)
        .joined(separator: "\t") + "\n"
    }.joined()
  }
}
