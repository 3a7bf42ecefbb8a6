import CostModel
import GPTJ
import PlanSearch
import Program
import Testing
import Topology

private let gptj6B = GPTJModel(
  layers: 28, hiddenSize: 4096, heads: 16, vocabularySize: 50400, sequenceLength: 1024,
  rotarySize: 64)

private func plans(_ name: String) throws -> PlanEstimator {
  PlanEstimator(try PodTopology.named(name), model: gptj6B)
}

private func plan(
  _ tensorParallel: Int, _ dataParallel: Int, microBatchSize: Int = 1, serialisation: Int = 2
) throws -> ParallelPlan {
  var plan = try ParallelPlan.spread(
    128, over: dataParallel, tensorParallel: tensorParallel, microBatchSize: microBatchSize,
    model: gptj6B)
  plan.attentionSerialisation = serialisation
  return plan
}

private func space(_ globalBatchSize: Int, _ microBatchSizes: [Int]) -> PlanSpace {
  var space = PlanSpace(globalBatchSize: globalBatchSize)
  space.microBatchSizes = microBatchSizes
  return space
}

@Suite("Plans are estimated, mended and ranked")
struct PlanSearchTests {
  @Test("The reference's job on a Pod16 fits and takes what the notebook says")
  func reference() throws {
    let estimate = try plans("pod16").estimate(
      plan(16, 1), evaluation: PlanEstimator.EvaluationShape(tensorParallel: 16))
    #expect(estimate.job.memory.fits && estimate.remedies.isEmpty)
    #expect(abs(estimate.job.totalSeconds - 10_020) < 0.03 * 10_020)
    #expect(abs(estimate.tokensPerSecond - 128 * 1024 / estimate.job.step.seconds) < 1e-9)
    #expect(estimate.job.step.secondsLow > 19 && estimate.job.step.secondsHigh < 22)
  }

  @Test("Dropout costs vector work and one load of its schedule, and nothing else")
  func dropout() throws {
    let topology = try PodTopology.named("pod16")
    let dropout = TrainingStep.Dropout(probability: 0.1, seed: 1)
    let plain = try plans("pod16").step(plan(16, 1))
    let dropping = try PlanEstimator(topology, model: gptj6B, dropout: dropout).step(plan(16, 1))
    #expect(dropping.time.vector > 1.1 * plain.time.vector)
    #expect(dropping.seconds < 1.01 * plain.seconds)
    #expect(dropping.time.compute == plain.time.compute)
    #expect(dropping.flopsPerIPU == plain.flopsPerIPU)
    #expect(dropping.collectives == plain.collectives)
    #expect(dropping.streamingLoadBytesPerIPU == plain.streamingLoadBytesPerIPU)
    #expect(dropping.hostBytesPerIPU == plain.hostBytesPerIPU + 8)
  }

  @Test(
    "What does not fit names changes that do",
    arguments: [(16, 1, 32, 2), (16, 1, 128, 1), (1, 16, 1, 2), (1, 1, 128, 1), (2, 1, 1, 2)])
  func remedies(
    _ tensorParallel: Int, _ dataParallel: Int, _ microBatchSize: Int, _ serialisation: Int
  ) throws {
    let plans = try plans("pod16")
    let plan = try plan(
      tensorParallel, dataParallel, microBatchSize: microBatchSize, serialisation: serialisation)
    let estimate = try plans.estimate(plan)
    #expect(!estimate.job.memory.fits)
    #expect(!estimate.remedies.isEmpty)
    #expect(estimate.job.memory.remedies == estimate.remedies.map(\.description))
    for remedy in estimate.remedies {
      #expect(try plans.memory(remedy).fits, "\(remedy)")
      #expect(remedy.plan.globalBatchSize == plan.globalBatchSize)
      #expect(remedy.plan != plan || remedy.availableMemoryProportion != nil)
    }
  }

  @Test("Logits that do not fit are mended by chunks of the head, as few as are enough")
  func chunksOfHead() throws {
    let model = GPTJModel(
      layers: 12, hiddenSize: 768, heads: 12, vocabularySize: 50400, sequenceLength: 1024,
      rotarySize: 64)
    let plans = PlanEstimator(try PodTopology.named("pod16"), model: model)
    var plan = try ParallelPlan.spread(
      128, over: 16, tensorParallel: 1, microBatchSize: 8, model: model)
    plan.attentionSerialisation = 64
    let estimate = try plans.estimate(plan)
    #expect(!estimate.job.memory.fits)
    let remedy = try #require(
      estimate.remedies.first { $0.plan.headSerialisation > 1 })
    #expect(remedy.description == "head_serialisation 4 instead of 1")
    #expect(try plans.memory(remedy).fits)
    plan.headSerialisation = 2
    #expect(try !plans.estimate(plan).job.memory.fits)
    // Beside a smaller micro-batch, which computes the same in smaller products.
    #expect(estimate.remedies.first == remedy && estimate.remedies.count > 1)
  }

  @Test("Where no plan of the same batch fits, the largest batch that does is named")
  func smallerBatch() throws {
    let plans = try plans("pod4")
    let estimate = try plans.estimate(plan(4, 1))
    #expect(estimate.job.memory.shortfalls.map(\.space) == [.streaming])
    #expect(estimate.job.memory.remedies == ["global_batch_size 64 instead of 128"])
    #expect(try plans.memory(try #require(estimate.remedies.first)).fits)
  }

  @Test("A model that no plan fits has no remedy")
  func hopeless() throws {
    var topology = try PodTopology.named("pod4")
    topology.machine.streamingBytesPerIPU = 1_000_000_000
    let plans = PlanEstimator(topology, model: gptj6B)
    #expect(try plans.estimate(plan(4, 1)).job.memory.remedies.isEmpty)
  }

  @Test("More IPUs than there are is refused, however many", arguments: [2, .max])
  func tooMany(_ dataParallel: Int) throws {
    var plan = try plan(16, 1)
    plan.dataParallel = dataParallel
    #expect(throws: PlanError.self) { try plans("pod16").estimate(plan) }
  }

  @Test("The ranking holds every legal plan once, the fastest that fits first")
  func ranking() throws {
    let ranking = try plans("pod16").ranking(space(128, [1, 2]))
    let pairs = (1...16).flatMap { width in (1...16 / width).map { (width, $0) } }
    #expect(ranking.legal.count + ranking.illegal.count == 2 * pairs.count)
    let legal = pairs.filter { 16 % $0.0 == 0 && 128 % $0.1 == 0 }.count
    #expect(ranking.legal.count == 2 * legal)
    let fitting = ranking.legal.prefix { $0.memory.fits }
    #expect(
      !fitting.isEmpty && ranking.legal.dropFirst(fitting.count).allSatisfy { !$0.memory.fits })
    #expect(zip(fitting, fitting.dropFirst()).allSatisfy { $0.step.seconds <= $1.step.seconds })
  }

  @Test("A plan that is not legal says why")
  func illegal() throws {
    let ranking = try plans("pod16").ranking(space(6, [1]))
    func reason(_ width: Int, _ replicas: Int) -> PlanError? {
      ranking.illegal.first { $0.tensorParallel == width && $0.dataParallel == replicas }?.reason
    }
    #expect(reason(3, 1) == .headsDoNotDivide(heads: 16, tensorParallel: 3))
    #expect(
      reason(4, 4) == .batchDoesNotDivide(globalBatchSize: 6, dataParallel: 4, microBatchSize: 1))
    #expect(reason(4, 3) == nil)
  }
}
