import Configuration
import Datasets
import FineTuning
import FoundationEssentials
import Testing

@Suite("The embedded entailment pairs as a task")
struct TrainingTaskTests {
  @Test("A batch has whole sequences; each label is the id that follows")
  func labels() throws {
    let configuration = smallConfiguration(sequence: 31, batch: 6)
    let task = try TrainingTask(seed: 3)
    var batches = try task.batches(configuration)
    for _ in 0..<20 {
      let batch = batches.next()
      #expect(batch.ids.count == 6 * 31 && batch.labels.count == 6 * 31)
      for row in 0..<6 {
        let range = row * 31..<(row + 1) * 31
        #expect(Array(batch.ids[range].dropFirst()) == Array(batch.labels[range].dropLast()))
      }
      #expect(batch.ids.allSatisfy { (0..<Int32(task.tokenizer.vocabularySize)).contains($0) })
    }
  }

  @Test("The stream is the training prompts in their order, none twice")
  func prompts() throws {
    let configuration = smallConfiguration(sequence: 63, batch: 4)
    let task = try TrainingTask(seed: 3)
    var batches = try task.batches(configuration)
    // A chunk's ids and its last label are all of its 64 tokens.
    let batch = batches.next()
    var tokens: [Int32] = []
    for row in 0..<4 {
      tokens += batch.ids[row * 63..<(row + 1) * 63]
      tokens.append(batch.labels[row * 63 + 62])
    }
    let text = task.tokenizer.decode(tokens)
    let expected = EntailmentSet(seed: 3).examples(of: .train, count: 40).map(\.mnli.trainingPrompt)
      .joined()
    #expect(expected.hasPrefix(text))
    #expect(text.contains("target: "))
  }

  @Test("Batches from a later step on are those of an undisturbed run", arguments: [false, true])
  func resumed(fromFile: Bool) throws {
    let configuration = smallConfiguration(sequence: 63, batch: 6)
    try withTrainingFile(examples: 200) { path in
      let task = try TrainingTask(
        seed: 3, training: fromFile ? TrainingFile(path: path) : nil)
      var undisturbed = try task.batches(configuration)
      // Beyond 1,000 examples and beyond the file's first epoch.
      let batches = (0..<80).map { _ in undisturbed.next() }
      for step in [0, 1, 59, 78] {
        var resumed = try task.batches(configuration, startingAt: step)
        #expect(batches[step] == resumed.next())
        #expect(batches[step + 1] == resumed.next())
      }
    }
  }

  @Test("A task of other columns is answered from a file; the embedded pairs do not serve it")
  func otherColumns() throws {
    var task = TaskConfiguration()
    task.prompt = try PromptTemplate("{sentence1} {gold_label}<|endoftext|>")
    task.columns = ["sentence1": "premise", "gold_label": "label"]
    try withTrainingFile(examples: 5) { path in
      let answered = try TrainingTask(
        task, seed: 3, validation: ExampleFile(path: path, task: task))
      #expect(answered.heldOut(count: 3).map(\.examples.count) == [3])
      task.columns = ["sentence1": "premise", "gold_label": "hypotheses"]
      let misfit = try TrainingTask(
        task, seed: 3, validation: ExampleFile(path: path))
      #expect(throws: DatasetsError.self) { try misfit.batches(smallConfiguration()) }
    }
    #expect(throws: DatasetsError.self) { try TrainingTask(task, seed: 3) }
  }

  @Test("Seeds decide the batches")
  func seeds() throws {
    func first(_ seed: Int) throws -> [Int32] {
      var batches = try TrainingTask(seed: seed).batches(smallConfiguration())
      return batches.next().ids
    }
    #expect(try first(1) == first(1))
    #expect(try first(1) != first(2))
  }

  @Test("Held-out pairs come from the split asked for, as many as asked for")
  func heldOut() throws {
    let task = try TrainingTask(seed: 1)
    let splits = task.heldOut(count: 50)
    #expect(splits.map(\.name) == ["validation_matched", "validation_mismatched"])
    let set = EntailmentSet(seed: 1)
    for (split, held) in zip(
      [EntailmentSet.Split.validationMatched, .validationMismatched], splits)
    {
      #expect(held.examples == set.examples(of: split, count: 50).map(\.mnli))
      #expect(Set(held.examples.map(\.answer)).count == 3)
      #expect(held.labels == ["entailment", "neutral", "contradiction"])
    }
  }
}

/// A file with the first pairs of the embedded set, for the time of the call.
private func withTrainingFile(examples: Int, _ body: (_ path: String) throws -> Void) throws {
  let name = "training-\(UInt64.random(in: 0 ... .max)).tsv"
  let file = FileManager.default.temporaryDirectory.appending(path: name)
  let rows = EntailmentSet(seed: 1).examples(of: .train, count: examples).map {
    "\($0.premise)\t\($0.hypothesis)\t\($0.label.rawValue)\n"
  }
  try Data(("premise\thypothesis\tlabel\n" + rows.joined()).utf8).write(to: file)
  defer { try? FileManager.default.removeItem(at: file) }
  try body(file.path)
}
