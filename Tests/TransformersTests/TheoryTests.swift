import Program
import Testing
import Transformers

@Suite struct TheoryTests {
  /// Totals of the checkpoints on Hugging Face: gpt2, gpt2-medium, gpt2-large, gpt2-xl,
  /// EleutherAI/gpt-j-6b, meta-llama/Llama-2-*-hf, google/t5-v1_1-xl and -xxl, and
  /// BertForPreTraining of bert-base-uncased and bert-large-uncased.
  @Test(arguments: [
    ("gpt2", 124_439_808), ("gpt2-medium", 354_823_168), ("gpt2-large", 774_030_080),
    ("gpt2-xl", 1_557_611_200), ("gpt-j", 6_050_882_784), ("llama2-7b", 6_738_415_616),
    ("llama2-13b", 13_015_864_320), ("llama2-70b", 68_976_648_192),
    ("flan-t5-xl", 2_849_757_184), ("flan-t5-xxl", 11_135_332_352), ("bert-base", 110_106_428),
    ("bert-large", 336_226_108), ("cerebras-gpt-111m", 111_050_496),
    ("cerebras-gpt-1.3b", 1_315_723_264),
  ])
  func `A model has as many parameters as its published checkpoint`(
    _ name: String, _ count: Int
  ) throws {
    #expect(try described(name).parameterCount == count)
  }
}
