import GPTJ
import Program
import Testing

@Suite("Which sharding plans are legal, and why one is not")
struct ParallelPlanTests {
  private static let model = GPTJModel(
    layers: 2, hiddenSize: 48, heads: 12, vocabularySize: 10, sequenceLength: 8, rotarySize: 4,
    feedForwardSize: 180)

  private func plan(_ tensor: Int, _ data: Int = 1) -> ParallelPlan {
    ParallelPlan(
      tensorParallel: tensor, dataParallel: data, microBatchSize: 1, gradientAccumulation: 1)
  }

  @Test("TP must divide heads and feed-forward, and fit the vocabulary; DP is free")
  func legality() {
    for tensor in [1, 2, 3, 4, 6] {
      for data in [1, 2, 5, 64] {
        #expect(plan(tensor, data).illegality(for: Self.model) == nil)
      }
    }
    #expect(
      plan(5).illegality(for: Self.model) == .headsDoNotDivide(heads: 12, tensorParallel: 5))
    var narrow = Self.model
    narrow.feedForwardSize = 182
    #expect(
      plan(4).illegality(for: narrow) == .feedForwardDoesNotDivide(size: 182, tensorParallel: 4))
    #expect(
      plan(12).illegality(for: Self.model) == .vocabularyTooSmall(size: 10, tensorParallel: 12))
  }

  @Test("Nothing may be less than one", arguments: [0, -1, .min])
  func notPositive(value: Int) {
    let fields: [(WritableKeyPath<ParallelPlan, Int>, String)] = [
      (\.tensorParallel, "tensor_parallel"), (\.dataParallel, "data_parallel"),
      (\.microBatchSize, "micro_batch_size"), (\.gradientAccumulation, "gradient_accumulation"),
      (\.attentionSerialisation, "attention_serialisation"),
      (\.headSerialisation, "head_serialisation"),
      (\.pipelineParallel, "pipeline_parallel"), (\.pipelineInterleave, "pipeline_interleave"),
    ]
    for (path, name) in fields {
      var plan = plan(1)
      plan[keyPath: path] = value
      #expect(plan.illegality(for: Self.model) == .notPositive(name: name, value: value))
    }
  }

  @Test("Chunks of the head must divide a micro-batch's tokens")
  func chunks() {
    for chunks in [1, 2, 3, 4, 6, 8, 12, 24] {
      var plan = plan(1)
      plan.microBatchSize = 3
      plan.headSerialisation = chunks
      #expect(plan.illegality(for: Self.model) == nil)
    }
    for (chunks, nearest) in [(5, "4 or 6"), (7, "6 or 8"), (13, "12 or 24"), (48, "24")] {
      var plan = plan(1)
      plan.microBatchSize = 3
      plan.headSerialisation = chunks
      let reason = plan.illegality(for: Self.model)
      #expect(reason == .headDoesNotDivide(tokens: 24, headSerialisation: chunks))
      #expect(
        reason?.description
          == "head_serialisation \(chunks) does not divide the 24 tokens of a micro-batch, "
          + "micro_batch_size x sequence_length; expected \(nearest)")
    }
  }

  @Test("Stages must divide the layers; fewer micro-batches than stages are legal")
  func stages() {
    var deep = Self.model
    deep.layers = 12
    for stages in [1, 2, 3, 4, 6, 12] {
      var plan = plan(1)
      plan.pipelineParallel = stages
      #expect(plan.illegality(for: deep) == nil)
    }
    var uneven = plan(1)
    uneven.pipelineParallel = 5
    let reason = uneven.illegality(for: deep)
    #expect(reason == .layersDoNotDivide(layers: 12, pipelineParallel: 5))
    #expect(reason?.description.contains("legal are 1, 2, 3, 4, 6, 12") == true)
    var overlapped = plan(1)
    overlapped.rewrites.overlapsIO = true
    #expect(overlapped.illegality(for: deep) == nil)
    overlapped.pipelineParallel = 2
    #expect(overlapped.illegality(for: deep) == .overlapsInPipeline(2))
    var interleaved = plan(1)
    interleaved.pipelineInterleave = 2
    #expect(interleaved.illegality(for: deep) == .nothingToInterleave(2))
  }

  @Test("A step and a pass of an illegal plan are refused, not built")
  func programs() {
    let optimizer = TrainingStep.Optimizer(
      adamW: Operation.AdamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0),
      gradientClipping: 1)
    #expect(throws: PlanError.headsDoNotDivide(heads: 12, tensorParallel: 5)) {
      try TrainingStep(
        model: Self.model, plan: plan(5), optimizer: optimizer, elementType: .float32
      ).program()
    }
    #expect(throws: PlanError.headsDoNotDivide(heads: 12, tensorParallel: 5)) {
      try InferencePass(
        model: Self.model, tensorParallel: 5, microBatchSize: 1, elementType: .float32
      ).program()
    }
  }

  @Test("The gradient accumulation follows from the global batch")
  func spread() throws {
    let plan = try ParallelPlan.spread(
      96, over: 4, tensorParallel: 3, microBatchSize: 2, model: Self.model)
    #expect(plan.gradientAccumulation == 12)
    #expect(plan.globalBatchSize == 96 && plan.ranks == 12)
    for (batch, data, micro) in [
      (97, 4, 2), (0, 1, 1), (-8, 1, 1), (8, 0, 1), (8, 1, 0), (4, 8, 1),
    ] {
      #expect(
        throws: PlanError.batchDoesNotDivide(
          globalBatchSize: batch, dataParallel: data, microBatchSize: micro)
      ) {
        try ParallelPlan.spread(
          batch, over: data, tensorParallel: 1, microBatchSize: micro, model: Self.model)
      }
    }
  }

  @Test("A pod gets the widest legal TP, no wider than 16 nor than the linked IPUs")
  func pods() throws {
    func shape(_ ipus: Int, _ linked: Int, _ model: GPTJModel) throws -> [Int] {
      let plan = try ParallelPlan.forPod(
        ipus: ipus, linkedIPUs: linked, model: model, globalBatchSize: 192, microBatchSize: 1)
      return [plan.tensorParallel, plan.dataParallel]
    }
    #expect(try shape(16, 16, gptj6B) == [16, 1])
    #expect(try shape(64, 64, gptj6B) == [16, 4])
    #expect(try shape(4, 4, gptj6B) == [4, 1])
    #expect(try shape(64, 4, gptj6B) == [4, 16])
    #expect(try shape(16, 16, Self.model) == [4, 4])
    #expect(try shape(1, 1, Self.model) == [1, 1])
  }

  @Test(
    "A message names the setting, the numbers, and what would be legal",
    arguments: [
      (
        PlanError.notPositive(name: "data_parallel", value: 0),
        ["data_parallel", "0", "at least 1"]
      ),
      (.headsDoNotDivide(heads: 12, tensorParallel: 5), ["5", "12", "1, 2, 3, 4, 6, 12"]),
      (.feedForwardDoesNotDivide(size: 182, tensorParallel: 4), ["tensor_parallel 4", "182"]),
      (.vocabularyTooSmall(size: 10, tensorParallel: 12), ["vocabulary of 10", "12"]),
      (
        .batchDoesNotDivide(globalBatchSize: 97, dataParallel: 4, microBatchSize: 2),
        ["97", "nearest are 96 and 104"]
      ),
      (
        .batchDoesNotDivide(globalBatchSize: 3, dataParallel: 4, microBatchSize: 2),
        ["3", "the smallest is 8"]
      ),
      (.tooManyRanks(ranks: 32, ipus: 16, topology: "pod16"), ["32", "16", "pod16"]),
      // Nothing here may trap.
      (.headsDoNotDivide(heads: .max, tensorParallel: 2), ["2"]),
      (.headsDoNotDivide(heads: -1, tensorParallel: 2), ["2"]),
      (.batchDoesNotDivide(globalBatchSize: -5, dataParallel: 0, microBatchSize: 1), ["-5"]),
    ])
  func messages(error: PlanError, parts: [String]) {
    for part in parts { #expect("\(error)".contains(part), "\(error)") }
  }
}
