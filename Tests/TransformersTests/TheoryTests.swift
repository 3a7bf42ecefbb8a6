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

extension TheoryTests {
  /// Its formula is 72 B s L h^2 (1 + s / 6h + V / 12 L h) (Narayanan 2021, section 5.1).
  @Test(arguments: [("gpt2", 8, 1024), ("gpt3-2.7b", 512, 2048), ("gpt3-175b", 1536, 2048)])
  func `Model FLOPs of a decoder are Megatron's`(
    _ name: String, _ batch: Int, _ length: Int
  ) throws {
    let model = try described(name)
    let (b, s, l) = (Double(batch), Double(length), Double(model.layers))
    let (h, v) = (Double(model.hiddenSize), Double(model.vocabularySize))
    let megatron = 72 * b * s * l * h * h * (1 + s / (6 * h) + v / (12 * l * h))
    let flops = model.modelFlops(tokens: batch * length, sequenceLength: length)
    #expect(abs(flops / megatron - 1) < 1e-12)
  }

  /// 8 h^2 + 3 h d_ff for all 2 N blocks of the reference (Graphcore examples, nlp/t5/popxl).
  @Test(arguments: ["flan-t5-xl", "flan-t5-xxl"])
  func `A unified T5 block has both attentions and a gated feed-forward`(
    _ name: String
  ) throws {
    let model = try described(name)
    let (h, f) = (model.hiddenSize, model.feedForwardSize)
    #expect(model.blockMatmulWeights(cross: true) == 8 * h * h + 3 * h * f)
    let table = WeightTable(model, tensorParallel: 1, attentionParallel: 1)
    #expect(
      table.all.reduce(0) { $0 + $1.count * $1.layers } == model.unifiedParameterCount)
    #expect(model.unifiedParameterCount > model.parameterCount)
  }

  /// Every matmul forward, recomputed and twice backward; scores 2, 2 and 5 products.
  @Test(arguments: [
    ("gpt2", 4, 2, 1), ("gpt3-2.7b", 8, 1, 2), ("llama2-7b", 16, 2, 1), ("flan-t5-xl", 8, 1, 2),
    ("flan-t5-xxl", 16, 2, 1), ("cerebras-gpt-1.3b", 16, 1, 1),
  ])
  func `A training step's FLOPs are the closed formula's`(
    _ name: String, _ tensor: Int, _ data: Int, _ micro: Int
  ) throws {
    let model = try described(name)
    let plan = ExecutionPlan(
      sequenceLength: 64, microBatchSize: micro, globalBatchSize: 4 * micro * data,
      tensorParallel: tensor, dataParallel: data)
    let work = try PhasedTrainingStep(model: model, plan: plan).program().work
    let tokens = 4 * plan.tokens
    let scores = 2 * tokens * plan.sequenceLength * model.heads * model.headSize
    let isTwofold = model.hasCrossAttention
    let weights = model.blockMatmulWeights(cross: isTwofold)
    let block = 8 * tokens * weights + 9 * scores * (isTwofold ? 2 : 1)
    var rows = (model.vocabularySize + tensor - 1) / tensor
    if model.isHeadTied { rows = (rows + 15) / 16 * 16 }
    let head = 6 * tokens * model.hiddenSize * rows * tensor
    #expect(work.flops * tensor == model.layers * (isTwofold ? 2 : 1) * block + head)
  }
}
