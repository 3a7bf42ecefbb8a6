import Testing

@testable import Datasets

/// The prompts that a model would be trained on.
func prompts(_ count: Int, seed: UInt64 = 0, of split: EntailmentSet.Split = .train) -> [String] {
  EntailmentSet(seed: seed).examples(of: split, count: count).map(\.trainingPrompt)
}
