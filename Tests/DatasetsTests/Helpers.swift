import Configuration
import FoundationEssentials
import Testing

@testable import Datasets

/// The prompts that a model would be trained on.
func prompts(_ count: Int, seed: UInt64 = 0, of split: EntailmentSet.Split = .train) -> [String] {
  EntailmentSet(seed: seed).examples(of: split, count: count).map(\.mnli.trainingPrompt)
}

/// A task of its own prompt, whose labels and columns may be others than MNLI's.
func task(
  _ prompt: String, labels: [String]? = nil, columns: [String: String] = [:]
) throws -> TaskConfiguration {
  var task = TaskConfiguration()
  task.prompt = try PromptTemplate(prompt)
  task.labels = labels
  task.columns = columns
  return task
}

/// A folder that goes away with the call.
func withTemporaryFolder(_ body: (_ path: String) throws -> Void) throws {
  let name = "datasets-\(UInt64.random(in: 0 ... .max))"
  let folder = FileManager.default.temporaryDirectory.appending(path: name).path
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  try body(folder)
}
