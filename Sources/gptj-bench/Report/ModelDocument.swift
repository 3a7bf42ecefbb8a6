import CostModel
import ModelEstimates
import Topology
import Transformers

/// What `estimate --model` answers, as one JSON document; keys are these names in snake_case.
struct ModelDocument: Encodable {
  let topology: String
  let ipus: Int
  /// Always false: only GPT-J also runs.
  let runs = false
  let model: Model
  let plan: Plan
  let modelled: Modelled

  struct Model: Encodable {
    let name, architecture: String
    let layers, hiddenSize, heads, vocabSize, parameters, heldParameters: Int
  }

  struct Plan: Encodable {
    let name, source, execution, task: String
    let isChanged: Bool
    let tensorParallel, dataParallel, pipelineIPUs, microBatchSize, gradientAccumulation: Int
    let globalBatchSize, sequenceLength: Int
  }

  struct Modelled: Encodable {
    /// Of an optimizer step, or of a pass that yields one token for each sequence.
    let stepSeconds, stepSecondsLow, stepSecondsHigh, samplesPerSecond, tokensPerSecond: Double
    let computeSeconds, vectorSeconds, exchangeSeconds, streamingSeconds: Double
    let collectiveSeconds, hostSeconds: Double
    let stageSeconds, closingSeconds: Double?
    let compileSeconds, loadSeconds, totalSeconds, costUSD: Double?
    let flopsPerIPU, streamingLoadBytesPerIPU, streamingStoreBytesPerIPU: Int?
    let allreduceBytesPerIPU, allgatherBytesPerIPU: Int?
    let fits: Bool
    let reasons: [String]
    let sramPeakBytesPerIPU, sramBytesPerIPU, streamingPeakBytesPerIPU, streamingBytesPerIPU: Int
    let phases: [Phase]
  }

  struct Phase: Encodable {
    let name: String
    let count: Int
    let seconds, computeSeconds, streamingSeconds, collectiveSeconds: Double
  }

  init(_ answer: ModelAnswer) {
    let (workload, estimate) = (answer.workload, answer.estimate)
    let (described, used) = (estimate.model, estimate.plan)
    topology = workload.topology.name
    ipus = workload.topology.ipus
    model = Model(
      name: described.name, architecture: described.architecture.rawValue,
      layers: described.layers, hiddenSize: described.hiddenSize, heads: described.heads,
      vocabSize: described.vocabularySize, parameters: described.parameterCount,
      heldParameters: described.unifiedParameterCount)
    plan = Plan(
      name: workload.planName, source: workload.source, execution: used.execution.rawValue,
      task: used.task.rawValue, isChanged: workload.isChanged,
      tensorParallel: used.tensorParallel, dataParallel: used.dataParallel,
      pipelineIPUs: used.execution == .pipeline ? used.ipusPerReplica : 1,
      microBatchSize: used.microBatchSize, gradientAccumulation: used.gradientAccumulation,
      globalBatchSize: used.globalBatchSize, sequenceLength: used.sequenceLength)
    modelled = Modelled(estimate)
  }
}

extension ModelDocument.Modelled {
  init(_ estimate: ModelEstimate) {
    let (step, job, memory) = (estimate.step, estimate.job, estimate.memory)
    stepSeconds = estimate.seconds
    stepSecondsLow = estimate.secondsLow
    stepSecondsHigh = estimate.secondsHigh
    samplesPerSecond = estimate.samplesPerSecond
    tokensPerSecond = estimate.tokensPerSecond
    computeSeconds = estimate.time.compute
    vectorSeconds = estimate.time.vector
    exchangeSeconds = estimate.time.exchange
    streamingSeconds = estimate.time.streaming
    collectiveSeconds = estimate.time.collective
    hostSeconds = estimate.time.host
    stageSeconds = estimate.pipeline?.stageSeconds
    closingSeconds = estimate.pipeline?.closingSeconds
    compileSeconds = job?.compileSeconds ?? estimate.compileSeconds
    loadSeconds = job?.loadSeconds
    let isTraining = estimate.plan.task == .training
    totalSeconds = isTraining ? job?.totalSeconds : nil
    costUSD = isTraining ? job?.costUSD : nil
    flopsPerIPU = step?.flopsPerIPU
    streamingLoadBytesPerIPU = step?.streamingLoadBytesPerIPU
    streamingStoreBytesPerIPU = step?.streamingStoreBytesPerIPU
    allreduceBytesPerIPU = step?.allReduceBytesPerIPU
    allgatherBytesPerIPU = step?.allGatherBytesPerIPU
    fits = memory.fits
    reasons = memory.reasons
    sramPeakBytesPerIPU = memory.sramPeakBytesPerIPU
    sramBytesPerIPU = memory.sramBytesPerIPU
    streamingPeakBytesPerIPU = memory.streamingPeakBytesPerIPU
    streamingBytesPerIPU = memory.streamingBytesPerIPU
    phases = (step?.phases ?? []).map {
      ModelDocument.Phase(
        name: $0.name, count: $0.count, seconds: $0.seconds, computeSeconds: $0.time.compute,
        streamingSeconds: $0.time.streaming, collectiveSeconds: $0.time.collective)
    }
  }
}

/// One model of `estimate --list-models`.
struct ModelDescriptionDocument: Encodable {
  let name, description, source: String
  let parameters: Int
  let plans: [Plan]

  struct Plan: Encodable {
    let name, topology, source, summary: String
  }

  init(_ described: ModelDescription) {
    name = described.model.name
    description = described.summary
    source = described.source
    parameters = described.model.parameterCount
    plans = described.plans.map {
      Plan(name: $0.name, topology: $0.topology, source: $0.source, summary: $0.plan.summary)
    }
  }
}
