/// How the vocabulary inside the binary is made; a test makes it again and compares.
package enum EmbeddedVocabulary {
  /// 256 bytes, the 191 merges that make every word whole, and `<|endoftext|>`: 16 shards of 28.
  package static let size = 448

  /// Enough prompts to meet every word of the training genres hundreds of times.
  private static let promptCount = 4_000

  /// Trains the vocabulary on training prompts of set 0.
  ///
  /// The held-out genre is not among them: its words fall into pieces of two or three tokens.
  package static func train() -> BytePairVocabulary {
    var trainer = BytePairTrainer()
    for example in EntailmentSet(seed: 0).examples(of: .train, count: promptCount) {
      trainer.count("\(example.validationPrompt) \(example.label.rawValue)")
    }
    return trainer.train(vocabularySize: size)
  }
}
