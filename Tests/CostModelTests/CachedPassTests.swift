import CostModel
import GPTJ
import Program
import Testing

@Suite struct CachedPassTests {
  /// The notebook's evaluation with a cache: one new token of each of 16 sequences.
  private func pass(rows: Int, sequenceLength: Int = 229) throws -> Program {
    var model = gptj6B
    model.sequenceLength = sequenceLength
    return try InferencePass(
      model: model, tensorParallel: 16, microBatchSize: 16, elementType: .float16,
      cache: InferencePass.Cache(rows: rows, answers: 16)
    ).program()
  }

  @Test func `A token with a cache costs less than a whole pass, but its weights still load`()
    throws
  {
    let estimator = try estimator()
    let whole = try estimator.estimate(inferencePass())
    let cached = try estimator.estimate(pass(rows: 16))
    #expect(cached.seconds < whole.seconds && cached.seconds > 0)
    #expect(cached.streamingLoadBytesPerIPU == whole.streamingLoadBytesPerIPU)
    #expect(cached.flopsPerIPU < whole.flopsPerIPU / 50)
  }

  @Test func `More new tokens and longer sequences take longer`() throws {
    let estimator = try estimator()
    let short = try estimator.seconds(pass(rows: 16))
    #expect(try estimator.seconds(pass(rows: 512)) > short)
    #expect(try estimator.seconds(pass(rows: 16, sequenceLength: 2048)) > short)
  }
}
