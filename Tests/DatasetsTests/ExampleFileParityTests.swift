import Configuration
import FoundationEssentials
import Testing

@testable import Datasets

/// Where MNLI's matched validation set and others' samples are, when this machine has them.
private let dataFolder = ProcessInfo.processInfo.environment["GPTJ_BENCH_TEST_DATA"]

@Suite(.enabled(if: dataFolder != nil, "GPTJ_BENCH_TEST_DATA names no folder"))
struct ExampleFileParityTests {
  private func read(
    _ name: String, _ task: TaskConfiguration = TaskConfiguration()
  ) throws -> ExampleFile {
    try ExampleFile(path: #require(dataFolder) + "/" + name, task: task)
  }

  @Test func `MNLI's matched validation set is the same in every format`() throws {
    let lines = try read("mnli/mnli_validation_matched.jsonl")
    #expect(lines.examples.count == 9_815)
    #expect(lines.skipped == 0)
    // The labels' counts in "multi_nli" on the hub; bytes, because Swift compares canonically.
    #expect(
      ["entailment", "neutral", "contradiction"].map { label in
        lines.examples.count { $0.answer == label }
      } == [3_479, 3_123, 3_213])
    let hypotheses = try read(
      "mnli/mnli_validation_matched.jsonl", task("{hypothesis}|{label}<|endoftext|>"))
    #expect(hypotheses.examples.count { $0.validationPrompt.hasSuffix(" |") } == 1_291)
    for name in [
      "mnli_validation_matched.csv", "mnli_dev_matched_9815.tsv", "mnli_validation_matched.parquet",
    ] {
      let other = try read("mnli/" + name)
      #expect(other.skipped == 0)
      #expect(other.examples.count == lines.examples.count)
      let differing = zip(lines.examples, other.examples).filter { left, right in
        !left.trainingPrompt.utf8.elementsEqual(right.trainingPrompt.utf8)
      }
      #expect(differing.isEmpty, "\(name)")
    }
  }

  /// Sequences as `datasets.map` and the two `group_texts` make them with GPT-J's tokenizer.
  @Test(arguments: [(1024, 435, 436), (128, 3_508, 3_533)])
  func `MNLI packs into as many sequences as with the reference and run_clm`(
    length: Int, reference: Int, runCLM: Int
  ) throws {
    let tokenizer = try Tokenizer(directory: #require(dataFolder) + "/gptj_tokenizer")
    let texts = try read("mnli/mnli_validation_matched.parquet").examples.map(\.trainingPrompt)
    for (kind, count) in [
      (TaskConfiguration.Packing.reference, reference), (.runCLM, runCLM),
    ] {
      let packed = PackedSequences(
        texts, tokenizer: tokenizer, packing: Packing(kind, sequenceLength: length))
      #expect(packed.counts.tokens == 453_044)
      #expect(packed.count == count)
    }
  }

  @Test func `jiant's samples are read, its test split is refused`() throws {
    for name in ["train", "val"] {
      let file = try read("nli_format_samples/jiant/mnli_\(name).jsonl")
      #expect(file.examples.count == 5)
      #expect(file.examples[0].answer == "neutral")
    }
    let test = #expect(throws: DatasetsError.self) {
      try read("nli_format_samples/jiant/mnli_test.jsonl")
    }
    #expect(test?.description.contains("mnli_test.jsonl:1: the object has no gold labels") == true)
  }

  @Test func `A table without a header is refused`() throws {
    let table = #expect(throws: DatasetsError.self) {
      try read("mnli/mnli_train_contradicting_examples.tsv")
    }
    #expect(
      table?.description.contains(":1: the header has no 'hypothesis' or 'sentence2'") == true)
  }
}
