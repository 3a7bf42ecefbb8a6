import FoundationEssentials
import Testing

@testable import Datasets

/// The prompts that a model would be trained on.
func prompts(_ count: Int, seed: UInt64 = 0, of split: EntailmentSet.Split = .train) -> [String] {
  EntailmentSet(seed: seed).examples(of: split, count: count).map(\.trainingPrompt)
}

/// A folder that goes away with the call.
func withTemporaryFolder(_ body: (_ path: String) throws -> Void) throws {
  let name = "datasets-\(UInt64.random(in: 0 ... .max))"
  let folder = FileManager.default.temporaryDirectory.appending(path: name).path
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  try body(folder)
}
