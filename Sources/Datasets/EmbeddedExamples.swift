package import Configuration

/// The embedded entailment pairs as examples of a task: a file without end, made as it is read.
package struct EmbeddedExamples: Sendable {
  private let set: EntailmentSet
  private let prompt: PromptTemplate
  /// The column of each placeholder, the answer's last.
  private let places: [Int]

  private static let columns = ["premise", "hypothesis", "label", "genre"]

  /// - Throws: `embeddedTask` when the prompt wants a column that the pairs do not have, or when
  ///   the labels lack one of theirs.
  package init(
    seed: UInt64, task: TaskConfiguration = TaskConfiguration()
  ) throws(DatasetsError) {
    set = EntailmentSet(seed: seed)
    prompt = task.prompt
    do {
      places = try TaskColumns(task).places(in: Self.columns)
    } catch {
      throw .embeddedTask("have \(error)")
    }
    let words = EntailmentLabel.allCases.map(\.rawValue)
    guard let labels = task.labels else { return }
    guard Self.columns[places[places.count - 1]] == "label" else {
      throw .embeddedTask("have labels for no other column than \"label\"; set task.labels to null")
    }
    if let other = words.first(where: { !labels.contains($0) }) {
      throw .embeddedTask(
        "are labelled \(words.joined(separator: ", ")); task.labels has no '\(other)'")
    }
  }

  /// Example `index` of a split, without making those before it.
  package func example(_ index: Int, of split: EntailmentSet.Split) -> Example {
    let row = set.example(index, of: split)
    let columns = [row.premise, row.hypothesis, row.label.rawValue, row.genre]
    return Example(
      prompt, places.dropLast().map { columns[$0] }, answer: columns[places[places.count - 1]])
  }

  /// The first `count` examples of a split, made as they are asked for.
  package func examples(of split: EntailmentSet.Split, count: Int) -> some Sequence<Example> {
    (0..<count).lazy.map { example($0, of: split) }
  }
}
