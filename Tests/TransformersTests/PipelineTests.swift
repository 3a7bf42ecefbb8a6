import Program
import Testing
import Transformers

@Suite struct PipelineTests {
  /// MLPerf v2.0, Graphcore, pod64-closed.json: halves of layers on 8 IPUs, the ends on the first.
  @Test func `An IPU's turn has its layers forward, recomputed and backward`() throws {
    let description = try ModelDescription.named("bert-large")
    let plan = try description.plan(named: "mlperf_pod64").plan
    #expect(plan.ipus == 64 && plan.gradientAccumulation == 96 && plan.globalBatchSize == 2304)
    let ipus = try PipelineStep(model: description.model, plan: plan).ipus()
    let (t, h) = (plan.tokens, 1024)
    let scores = 2 * t * plan.sequenceLength * h
    func turn(_ attentions: Int, _ feedForwards: Int) -> Int {
      attentions * (8 * t * 4 * h * h + 9 * scores) + feedForwards * 8 * t * 8 * h * h
    }
    let flops = Set(ipus.map(\.turn.work.flops))
    #expect(flops.isSuperset(of: [turn(3, 3), turn(4, 3), turn(3, 4)]))
    // The first IPU has one layer, and the head over 78 predictions of each of 3 sequences.
    let rows = 3 * 78
    let vocabulary = (30_522 + 15) / 16 * 16
    let head = 6 * rows * h * h + 6 * rows * h * vocabulary
    #expect(flops.contains(turn(1, 1) + head))
  }

  @Test func `All weights of a model are on the IPUs of its pipeline, once`() throws {
    let description = try ModelDescription.named("gpt2-large")
    let plan = try description.plan(named: "pipeline_512_pod16").plan
    let ipus = try PipelineStep(model: description.model, plan: plan).ipus()
    let updated = ipus.map { ipu in
      var elements = 0
      ipu.closing.forEachOperation { operation, _, repetitions in
        if case .adamW = operation.kind {
          elements += ipu.closing[operation.inputs[0]].count * repetitions
        }
      }
      return elements * plan.dataParallel * ipu.count
    }
    let padded = (50_257 + 15) / 16 * 16 - 50_257
    #expect(ipus.reduce(0) { $0 + $1.count } == plan.ipusPerReplica)
    #expect(
      updated.reduce(0, +)
        == description.model.parameterCount + padded * description.model.hiddenSize)
  }

  @Test func `Stages that miss a layer are refused`() throws {
    let description = try ModelDescription.named("bert-large")
    var plan = try description.plan(named: "mlperf_pod64").plan
    plan.stages.removeLast()
    let step = PipelineStep(model: description.model, plan: plan)
    #expect(
      throws: TransformerError.stagesDoNotAddUp(attentions: 23, feedForwards: 23, layers: 24)
    ) { try step.ipus() }
  }
}
