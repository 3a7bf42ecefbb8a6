import Datasets
import Regression

extension Benchmark {
  /// Text to ids and back, and learning a vocabulary, on the embedded prompts.
  static let tokenizer: [Benchmark] = [
    Benchmark("tokenizer/encode", "1200 embedded prompts, a new encoder") {
      let tokenizer = try Tokenizer.embedded()
      let prompts = embeddedPrompts(1200)
      var ids = 0
      return Workload {
        var encoder = TokenEncoder(tokenizer)
        ids = prompts.reduce(0) { $0 + encoder.encode($1).count }
      } counts: {
        [Counts.metric("tokens", ids, "tokens")]
      }
    },
    Benchmark("tokenizer/decode", "1200 embedded prompts") {
      let tokenizer = try Tokenizer.embedded()
      let ids = embeddedPrompts(1200).map { tokenizer.encode($0) }
      var characters = 0
      return Workload {
        characters = ids.reduce(0) { $0 + tokenizer.decode($1).utf8.count }
      } counts: {
        [Counts.metric("text_bytes", characters, "B")]
      }
    },
    Benchmark("tokenizer/train", "400 embedded prompts, 413 ids") {
      let prompts = embeddedPrompts(400)
      var merges = 0
      return Workload {
        var trainer = BytePairTrainer()
        for prompt in prompts { trainer.count(prompt) }
        merges = trainer.train(vocabularySize: EmbeddedVocabulary.size).merges.count
      } counts: {
        [Counts.metric("merges", merges, "merges")]
      }
    },
  ]

  private static func embeddedPrompts(_ count: Int) -> [String] {
    EntailmentSet(seed: 0).examples(of: .train, count: count).map { $0.mnli.trainingPrompt }
  }
}
