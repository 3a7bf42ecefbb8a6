import Configuration
import Program
import Testing
import Transformers

@Suite struct LegalityTests {
  @Test(arguments: [
    ("gpt2-xl", 2, 1, "does not divide the 25 attention heads; legal are 1, 5, 25"),
    ("llama2-70b", 16, 1, "does not divide the 8 key and value heads; legal are 1, 2, 4, 8"),
    ("gpt2", 4, 3, "global_batch_size 8 is no multiple of data_parallel 3 x micro_batch_size 1"),
    ("gpt2", 0, 1, "tensor_parallel is 0, expected at least 1"),
  ])
  func `An illegal split is refused with the reason`(
    _ name: String, _ tensor: Int, _ data: Int, _ reason: String
  ) throws {
    let plan = ExecutionPlan(
      sequenceLength: 128, globalBatchSize: 8, tensorParallel: tensor, dataParallel: data)
    let step = PhasedTrainingStep(model: try described(name), plan: plan)
    let error = try #require(throws: TransformerError.self) { try step.program() }
    #expect(error.description.contains(reason), "\(error)")
  }

  @Test func `What cannot be counted is refused, not trapped on`() throws {
    let plan = ExecutionPlan(
      sequenceLength: 1 << 20, microBatchSize: 65_536, globalBatchSize: 1 << 24)
    let step = PhasedTrainingStep(model: try described("llama2-70b"), plan: plan)
    #expect(throws: TransformerError.tooLarge(what: "the work of one rank")) {
      try step.program()
    }
  }

  @Test func `Learned positions bound a sequence, and an encoder generates nothing`() throws {
    let long = ExecutionPlan(sequenceLength: 2048, globalBatchSize: 1)
    #expect(throws: TransformerError.sequenceTooLong(length: 2048, rows: 1024)) {
      try PhasedTrainingStep(model: described("gpt2"), plan: long).program()
    }
    let pass = ExecutionPlan(task: .generation, sequenceLength: 128, globalBatchSize: 1)
    #expect(throws: TransformerError.noGeneration(model: "bert-base")) {
      try GenerationPass(model: described("bert-base"), plan: pass).program()
    }
  }

  @Test(arguments: [(50_257, 4, 12_576, 12_565), (50_400, 16, 3152, 3150), (257, 3, 96, 86)])
  func `An uneven vocabulary is padded, an embedding's shard to 16 rows`(
    _ vocabulary: Int, _ tensor: Int, _ embedding: Int, _ head: Int
  ) throws {
    var model = try described("gpt-j", vocabulary: vocabulary)
    var table = WeightTable(model, tensorParallel: tensor, attentionParallel: 1)
    #expect(table.embedding[.word]?.shape[0] == embedding)
    #expect(table.head[.projection]?.shape[0] == head)
    model.isHeadTied = true
    table = WeightTable(model, tensorParallel: tensor, attentionParallel: 1)
    #expect(table.head[.projection] == nil)
    #expect(table.head[.projectionBias]?.shape == [embedding])
  }

  @Test(arguments: [
    ("layers: 12", "layrs: 12", "4:3", "did you mean 'layers'"),
    ("layers: 12", "layers: twelve", "4:11", "an integer from 1 to 4096"),
    ("positions: learned", "positions: learnt", "9:14", "did you mean 'learned'"),
    ("heads: 12", "heads: 12\n  key_value_heads: 5", "7:20", "a divisor of the 12 heads"),
    ("tensor_parallel: 4", "tensor_paralel: 4", "15:5", "did you mean 'tensor_parallel'"),
    ("tensor_parallel: 4", "tensor_parallel: 5", "13:6", "does not divide the 12 attention heads"),
  ])
  func `A mistake in a file is told with its line and the nearest choice`(
    _ right: String, _ wrong: String, _ place: String, _ message: String
  ) throws {
    let file = Self.file.replacing(right, with: wrong)
    let error = try #require(throws: ConfigurationError.self) {
      try ModelDescription(YAMLNode.parse(bytes: Array(file.utf8), file: "a.yml"))
    }
    #expect(error.description.contains("a.yml:\(place)"), "\(error)")
    #expect(error.description.contains(message), "\(error)")
  }

  private static let file = """
    name: a
    description: b
    model:
      layers: 12
      hidden_size: 768
      heads: 12
      feed_forward_size: 3072
      vocabulary_size: 257
      positions: learned
      position_rows: 1024
      architecture: decoder
    plans:
      p: { topology: pod16, source: d,
        sequence_length: 128, global_batch_size: 8,
        tensor_parallel: 4 }
    source: c
    """

  @Test func `The file is right without the mistakes, and unknown names have suggestions`() throws {
    let bytes = Array(Self.file.utf8)
    let description = try ModelDescription(YAMLNode.parse(bytes: bytes, file: "a.yml"))
    #expect(description.plans[0].plan.gradientAccumulation == 8)
    let unknown = try #require(throws: ConfigurationError.self) {
      try ModelDescription.named("flan-t5-xll")
    }
    #expect(unknown.suggestion == "flan-t5-xxl" || unknown.suggestion == "flan-t5-xl")
    #expect(unknown.exitStatus == 64)
    let plan = try #require(throws: ConfigurationError.self) {
      try ModelDescription.named("gpt-j").plan(named: "pod46")
    }
    #expect(plan.suggestion == "pod64" || plan.suggestion == "pod16")
  }
}
