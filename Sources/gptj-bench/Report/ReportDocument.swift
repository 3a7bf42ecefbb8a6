import CostModel
import Emulator
import GPTJ
import PlanSearch
import Program
import Topology

/// What `run` and `estimate` answer, as one JSON document; keys are these names in snake_case.
struct ReportDocument: Encodable {
  static let schemaVersion = 1

  let topology: String
  let ipus: Int
  let model: Model
  let plan: Plan
  let modelled: Modelled
  var measured: Measured?
  var host: Host?
  /// The dearest operation first; only where it was asked for.
  var explanation: [ExplainedOperation]?

  struct Model: Encodable {
    let layers, hiddenSize, heads, vocabSize, sequenceLength, parameters: Int

    init(_ model: GPTJModel) {
      layers = model.layers
      hiddenSize = model.hiddenSize
      heads = model.heads
      vocabSize = model.vocabularySize
      sequenceLength = model.sequenceLength
      parameters = model.parameterCount
    }
  }

  struct Plan: Encodable {
    let tensorParallel, dataParallel, microBatchSize, gradientAccumulation, globalBatchSize: Int
    /// Left out where there is no pipeline.
    let pipelineParallel: Int?
    let recompute: String
    let recomputeClosingCollectives: Bool
    let whatIfs: [String]

    init(_ plan: ParallelPlan) {
      tensorParallel = plan.tensorParallel
      dataParallel = plan.dataParallel
      pipelineParallel = plan.pipelineParallel > 1 ? plan.pipelineParallel : nil
      microBatchSize = plan.microBatchSize
      gradientAccumulation = plan.gradientAccumulation
      globalBatchSize = plan.globalBatchSize
      recompute = plan.recompute.rawValue
      recomputeClosingCollectives = plan.recomputeClosingCollectives
      whatIfs = plan.whatIfs.map(\.name)
    }
  }

  init(_ estimate: PlanEstimate, on topology: PodTopology) {
    self.topology = topology.name
    ipus = topology.ipus
    model = Model(estimate.model)
    plan = Plan(estimate.plan)
    modelled = Modelled(estimate, priceSource: topology.priceSource)
  }
}

extension PodTopology {
  /// Where the price per hour comes from.
  var priceSource: String {
    figures.first { $0.path.contains("price") }?.source ?? "not published"
  }
}
