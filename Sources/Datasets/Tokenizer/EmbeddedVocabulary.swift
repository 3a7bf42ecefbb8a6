/// How the vocabulary inside the binary is made; a test makes it again and compares.
package enum EmbeddedVocabulary {
  /// 256 bytes, the 156 merges that make every word whole, and `<|endoftext|>`.
  ///
  /// A model may have more rows than this: 416 give 16 equal shards.
  package static let size = 413

  /// Enough prompts to meet every word of the training genres hundreds of times.
  private static let promptCount = 4_000

  /// Trains the vocabulary on training prompts of set 0.
  ///
  /// The held-out genre is not among them: its words fall into known pieces, two to seven a word.
  package static func train() -> BytePairVocabulary {
    var trainer = BytePairTrainer()
    for example in EntailmentSet(seed: 0).examples(of: .train, count: promptCount).map(\.mnli) {
      trainer.count("\(example.validationPrompt) \(example.answer)")
    }
    return trainer.train(vocabularySize: size)
  }
}
